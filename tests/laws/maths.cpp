// Elementary functions against the C library, and the same bits at compile time and run time.
#include <lacuna/core/maths.hpp>
#include <lacuna/core/random.hpp>

#include <bit>
#include <cmath>
#include <doctest/doctest.h>

namespace {
namespace lc = lacuna;
namespace maths = lc::maths;

/// Distance in units of the last place of `expected`.
double places(float found, double expected) {
  const auto rounded = static_cast<float>(expected);
  const double unit = static_cast<double>(std::nextafter(std::fabs(rounded), INFINITY) - std::fabs(rounded));
  return std::fabs(static_cast<double>(found) - expected) / unit;
}

}  // namespace

TEST_CASE("square roots are correctly rounded at compile time") {
  constexpr float at_compile_time[]{maths::sqrt(2.0f), maths::sqrt(0.1f), maths::sqrt(1e-38f), maths::sqrt(3e38f),
                                    maths::sqrt(1.9999999f), maths::sqrt(4.0f), maths::sqrt(0.0f), maths::sqrt(7.0f)};
  const float of[]{2.0f, 0.1f, 1e-38f, 3e38f, 1.9999999f, 4.0f, 0.0f, 7.0f};
  for (int i = 0; i < 8; ++i) CHECK(at_compile_time[i] == std::sqrt(of[i]));
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const double x = std::exp(160 * (lc::random_uniform(1, 0, i) - 0.5));
    REQUIRE(maths::detail::constant_sqrt(static_cast<float>(x)) == std::sqrt(static_cast<float>(x)));
    REQUIRE(maths::detail::constant_sqrt(x) == std::sqrt(x));
  }
}

TEST_CASE("exp, log, tanh, erf, sine, cosine") {
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const double u = lc::random_uniform(2, 0, i);
    const double x = 174 * u - 87;
    REQUIRE(places(maths::exp(static_cast<float>(x)), std::exp(static_cast<double>(static_cast<float>(x)))) < 3);
    REQUIRE(maths::exp(8 * x) == doctest::Approx(std::exp(8 * x)).epsilon(2e-15));
    REQUIRE(maths::log(std::exp(x)) == doctest::Approx(x).epsilon(1e-15).scale(1));
    const auto narrow = static_cast<float>(std::exp(x));
    REQUIRE(places(maths::log(narrow), std::log(static_cast<double>(narrow))) < 1);
    const double t = 16 * u - 8;
    REQUIRE(maths::tanh(t) == doctest::Approx(std::tanh(t)).epsilon(1e-14));
    REQUIRE(places(maths::tanh(static_cast<float>(t)), std::tanh(static_cast<double>(static_cast<float>(t)))) < 3);
    REQUIRE(maths::erf(t) == doctest::Approx(std::erf(t)).epsilon(1e-14));
    REQUIRE(places(maths::erf(static_cast<float>(t)), std::erf(static_cast<double>(static_cast<float>(t)))) < 8);
    const double angle = 200000 * (u - 0.5);
    REQUIRE(std::fabs(maths::sine(angle) - std::sin(angle)) < 1e-13);
    REQUIRE(std::fabs(maths::cosine(angle) - std::cos(angle)) < 1e-13);
  }
}

TEST_CASE("limits") {
  const float inf = maths::infinity<float>();
  CHECK(maths::exp(-inf) == 0.0f);
  CHECK(maths::exp(inf) == inf);
  CHECK(maths::exp(-1000.0) == 0.0);
  CHECK(maths::exp(1000.0) == maths::infinity<double>());
  CHECK(maths::is_nan(maths::exp(std::nanf(""))));
  CHECK(maths::is_nan(maths::log(-1.0)));
  CHECK(maths::log(0.0) == -maths::infinity<double>());
  CHECK(maths::log(5e-324) == doctest::Approx(std::log(5e-324)));
  CHECK(maths::tanh(-40.0f) == -1.0f);
  CHECK(maths::erf(7.0) == 1.0);
  CHECK(maths::is_nan(maths::sqrt(-1.0f)));
  CHECK(!maths::is_finite(inf));
}

TEST_CASE("the same bits at compile time") {
  constexpr float single[]{maths::exp(0.7f), maths::exp(-30.3f), maths::tanh(0.3f), maths::tanh(2.7f),
                           maths::erf(0.4f)};
  const volatile float in[]{0.7f, -30.3f, 0.3f, 2.7f, 0.4f};
  CHECK(std::bit_cast<std::uint32_t>(single[0]) == std::bit_cast<std::uint32_t>(maths::exp(in[0])));
  CHECK(std::bit_cast<std::uint32_t>(single[1]) == std::bit_cast<std::uint32_t>(maths::exp(in[1])));
  CHECK(std::bit_cast<std::uint32_t>(single[2]) == std::bit_cast<std::uint32_t>(maths::tanh(in[2])));
  CHECK(std::bit_cast<std::uint32_t>(single[3]) == std::bit_cast<std::uint32_t>(maths::tanh(in[3])));
  CHECK(std::bit_cast<std::uint32_t>(single[4]) == std::bit_cast<std::uint32_t>(maths::erf(in[4])));
}

TEST_CASE("random numbers") {
  // The published known-answer vectors of Philox-4x32-10.
  const auto zero = lc::random_bits(0, 0, 0);
  CHECK(zero.word[0] == 0x6627e8d5u);
  CHECK(zero.word[1] == 0xe169c58du);
  CHECK(zero.word[2] == 0xbc57ac4cu);
  CHECK(zero.word[3] == 0x9b00dbd8u);
  const auto ones = lc::random_bits(~std::uint64_t{0}, ~std::uint64_t{0}, ~std::uint64_t{0});
  CHECK(ones.word[0] == 0x408f276du);
  double sum = 0, squares = 0;
  constexpr int n = 100000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double x = lc::random_normal(3, 4, i);
    sum += x, squares += x * x;
  }
  CHECK(std::fabs(sum / n) < 0.015);
  CHECK(squares / n == doctest::Approx(1).epsilon(0.02));
}
