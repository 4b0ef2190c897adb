// The lane type against plain loops: what xsimd's versions lack or do differently is written by hand and checked here.
#if __has_include(<xsimd/xsimd.hpp>)
#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/activation/sigmoid.hpp>
#include <lacuna/core/random.hpp>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <vector>

namespace {
namespace lc = lacuna;
using namespace lc::simd_lanes;
constexpr lc::extent_t count = lanes::lane_count;

struct numbers {
  float of[count];
  explicit numbers(std::uint64_t seed, float scale = 1) {
    for (lc::extent_t j = 0; j < count; ++j) of[j] = static_cast<float>(lc::random_normal(seed, 0, j)) * scale;
  }
  explicit numbers(lanes from) { from.store(of); }
  lanes all() const { return lanes::load(of); }
};

/// Distance in units of the last place of the expected value.
double units(float found, double expected) {
  const float rounded = static_cast<float>(expected);
  if (std::isinf(rounded) || rounded == 0) return found == rounded ? 0 : 1e9;
  const double unit = std::nextafter(std::fabs(rounded), std::numeric_limits<float>::infinity()) - std::fabs(rounded);
  return std::fabs(static_cast<double>(found) - expected) / unit;
}

template <class Function, class Oracle>
double worst(float from, float to, Function&& function, Oracle&& oracle) {
  double most = 0;
  const int steps = 20000;
  for (int i = 0; i < steps; ++i) {
    const float x = from + (to - from) * static_cast<float>(i) / steps;
    const numbers found{function(lanes(x))};
    for (lc::extent_t j = 1; j < count; ++j) CHECK(found.of[j] == found.of[0]);
    most = std::max(most, units(found.of[0], oracle(static_cast<double>(x))));
  }
  return most;
}

}  // namespace

TEST_CASE("arithmetic and choices, lane by lane") {
  const numbers a(1), b(2), c(3);
  const numbers fused{multiply_add(a.all(), b.all(), c.all())};
  const numbers larger{lane_larger(a.all(), b.all())},
      chosen{lane_where(lane_less(a.all(), b.all()), a.all(), b.all())}, negative{-a.all()};
  const numbers applied{each_lane(a.all(), [](float x) { return 3 * x; })};
  for (lc::extent_t j = 0; j < count; ++j) {
    CHECK(fused.of[j] == doctest::Approx(a.of[j] * b.of[j] + c.of[j]).epsilon(1e-6));
    CHECK(larger.of[j] == std::max(a.of[j], b.of[j]));
    CHECK(chosen.of[j] == std::min(a.of[j], b.of[j]));
    CHECK(negative.of[j] == -a.of[j]);
    CHECK(applied.of[j] == 3 * a.of[j]);
  }
#if defined(__FMA__) || defined(__ARM_NEON)
  const float tiny = 1 + 0x1p-12f;
  CHECK(numbers{multiply_add(lanes(tiny), lanes(tiny), lanes(-1))}.of[0] == 0x1p-11f + 0x1p-24f);
#endif
}

TEST_CASE("sums and largest over lanes, one register and many") {
  const numbers a(4);
  double sum = 0;
  float largest = a.of[0];
  for (const float x : a.of) sum += static_cast<double>(x), largest = std::max(largest, x);
  CHECK(sum_of(a.all()) == doctest::Approx(sum).epsilon(1e-5));
  CHECK(largest_of(a.all()) == largest);
  const auto many = [&]<std::size_t Registers>(std::integral_constant<std::size_t, Registers>) {
    if constexpr (Registers <= count) {
      lanes of[Registers];
      for (std::size_t r = 0; r < Registers; ++r) {
        float values[count];
        // Powers of two: every sum is exact and tells which lanes went in.
        for (lc::extent_t j = 0; j < count; ++j) values[j] = static_cast<float>((1u << j) * (r + 1));
        of[r] = lanes::load(values);
      }
      const numbers found{sums_across(of)};
      for (std::size_t r = 0; r < Registers; ++r)
        CHECK(found.of[r] == static_cast<float>(((1u << count) - 1) * (r + 1)));
    }
  };
  many(std::integral_constant<std::size_t, 1>{});
  many(std::integral_constant<std::size_t, 2>{});
  many(std::integral_constant<std::size_t, 4>{});
  many(std::integral_constant<std::size_t, 8>{});
  many(std::integral_constant<std::size_t, 16>{});
}

TEST_CASE("parts of a register: nothing else is read or written") {
  const numbers a(5), b(6);
  for (lc::extent_t some = 0; some < count; ++some) {
    // Exactly as many elements as may be read: the sanitizers watch the rest.
    std::vector<float> exact(a.of, a.of + some);
    std::vector<lc::bfloat16> narrow;
    std::vector<lc::float16> half;
    for (const float x : exact) narrow.emplace_back(x), half.emplace_back(x);
    const numbers loaded{lanes::load_part(exact.data(), some)};
    const numbers widened{lanes::load_part(narrow.data(), some)}, halves{lanes::load_part(half.data(), some)};
    const numbers mixed{first_lanes(some, a.all(), b.all())};
    float stored[count + 1];
    for (float& x : stored) x = 77;
    a.all().store_part(stored, some);
    for (lc::extent_t j = 0; j < count; ++j) {
      CHECK(loaded.of[j] == (j < some ? a.of[j] : 0));
      CHECK(widened.of[j] == (j < some ? lc::widen(narrow[j]) : 0));
      CHECK(halves.of[j] == (j < some ? lc::widen(half[j]) : 0));
      CHECK(mixed.of[j] == (j < some ? a.of[j] : b.of[j]));
      CHECK(stored[j] == (j < some ? a.of[j] : 77));
    }
    CHECK(stored[count] == 77);
  }
}

TEST_CASE("stored elements widen exactly") {
  for (std::uint32_t first = 0; first < 0x10000u; first += count) {
    lc::bfloat16 narrow[count];
    lc::float16 half[count];
    for (lc::extent_t j = 0; j < count; ++j) narrow[j].bits = half[j].bits = static_cast<std::uint16_t>(first + j);
    const numbers from_narrow{lanes::load(narrow)}, from_half{lanes::load(half)};
    for (lc::extent_t j = 0; j < count; ++j) {
      const float expected[]{lc::widen(narrow[j]), lc::widen(half[j])};
      const float found[]{from_narrow.of[j], from_half.of[j]};
      for (int i = 0; i < 2; ++i) {
        const bool fine = std::isnan(expected[i]) ? std::isnan(found[i])
                                                  : __builtin_bit_cast(std::uint32_t, expected[i]) ==
                                                        __builtin_bit_cast(std::uint32_t, found[i]);
        REQUIRE(fine);
      }
    }
  }
}

TEST_CASE("masks by bits") {
  const numbers a(7), b(8);
  for (std::uint32_t bits = 0; bits < (1u << (count < 12 ? count : 12)); ++bits) {
    const numbers found{where_bits(bits, a.all(), b.all())};
    for (lc::extent_t j = 0; j < count; ++j) REQUIRE(found.of[j] == ((bits >> j & 1u) != 0 ? a.of[j] : b.of[j]));
  }
}

TEST_CASE("32-bit words: moved, multiplied, and random numbers of consecutive counters") {
  std::uint32_t words[count], found[count];
  for (lc::extent_t j = 0; j < count; ++j) words[j] = lc::random_bits(9, 0, j).word[0] | (j == 1 ? ~0u : 0u);
  const word_batch all = word_batch::load_unaligned(words);
  moved_down<16>(all).store_unaligned(found);
  for (lc::extent_t j = 0; j < count; ++j) CHECK(found[j] == words[j] >> 16);
  for (const std::uint32_t by : {0u, 1u, 0xd2511f53u, ~0u}) {
    const word_products products = multiply_words(all, by);
    std::uint32_t upper[count];
    products.upper.store_unaligned(upper);
    products.lower.store_unaligned(found);
    for (lc::extent_t j = 0; j < count; ++j)
      CHECK((std::uint64_t{upper[j]} << 32 | found[j]) == std::uint64_t{words[j]} * by);
  }
  // Counters that pass 2^32, and the last of all.
  for (const std::uint64_t counter : {std::uint64_t{0}, std::uint64_t{0xfffffffd}, ~std::uint64_t{0} - 2}) {
    word_batch drawn[4];
    random_words(drawn, 0x123456789abcdef0, 0xfedcba9876543210, counter);
    for (int word = 0; word < 4; ++word) {
      drawn[word].store_unaligned(found);
      for (lc::extent_t j = 0; j < count; ++j)
        CHECK(found[j] == lc::random_bits(0x123456789abcdef0, 0xfedcba9876543210, counter + j).word[word]);
    }
  }
}

TEST_CASE("elementary functions: errors in units of the last place, and the ends") {
  const auto exp = [](lanes x) { return lc::maths::exp(x); };
  CHECK(worst(-86.5f, 88.7f, exp, [](double x) { return std::exp(x); }) < 2.0);
  CHECK(worst(-64.0f, 0.0f, [](lanes x) { return weight_exp(x); }, [](double x) { return std::exp(x); }) < 4.0);
  const auto logistic = [](lanes x) { return lc::maths::logistic(x); };
  CHECK(worst(-86.0f, 88.0f, logistic, [](double x) { return 1 / (1 + std::exp(-x)); }) < 3.0);
  CHECK(worst(-12.0f, 12.0f, [](lanes x) { return lc::maths::tanh(x); }, [](double x) { return std::tanh(x); }) < 3.0);
  CHECK(worst(-6.0f, 6.0f, [](lanes x) { return lc::maths::erf(x); }, [](double x) { return std::erf(x); }) < 3.0);
  const float infinite = std::numeric_limits<float>::infinity(), none = std::numeric_limits<float>::quiet_NaN();
  const auto at = [](auto&& function, float x) { return numbers{function(lanes(x))}.of[count - 1]; };
  CHECK(at(exp, infinite) == infinite);
  CHECK(at(exp, 89.0f) == infinite);
  CHECK(at(exp, -infinite) == 0);
  CHECK(at(exp, -90.0f) == 0);
  CHECK(at(exp, 0.0f) == 1);
  CHECK(std::isnan(at(exp, none)));
  CHECK(at(logistic, infinite) == 1);
  CHECK(at(logistic, -infinite) == 0);
  CHECK(at(logistic, -90.0f) == 0);
  CHECK(at(logistic, 0.0f) == 0.5f);
  CHECK(std::isnan(at(logistic, none)));
  CHECK(at(lc::silu::value<lanes>, -0x1p120f) == 0);
  const auto weight = [](lanes x) { return weight_exp(x); };
  CHECK(at(weight, -64.5f) == 0);
  CHECK(at(weight, -infinite) == 0);
  CHECK(at(weight, 0.0f) == 1);
  CHECK(std::isnan(at(weight, none)));
  const auto tanh = [](lanes x) { return lc::maths::tanh(x); };
  const auto erf = [](lanes x) { return lc::maths::erf(x); };
  for (const float sign : {1.0f, -1.0f}) {
    CHECK(at(tanh, sign * infinite) == sign);
    CHECK(at(erf, sign * infinite) == sign);
    CHECK(at(erf, sign * 10) == sign);
  }
  CHECK(std::isnan(at(tanh, none)));
  CHECK(std::isnan(at(erf, none)));
  CHECK(std::isnan(numbers{lane_larger(lanes(none), lanes(1))}.of[0]));
}
#endif
