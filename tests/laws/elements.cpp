// IEEE's 16-bit floats: every pattern, and rounding against an oracle that computes in f64.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <limits>

namespace {
namespace lc = lacuna;

lc::float16 half_of(unsigned pattern) {
  lc::float16 half;
  half.bits = static_cast<std::uint16_t>(pattern);
  return half;
}
/// A finite pattern by the definition: 1.fraction times 2^(exponent - 15), 0.fraction times 2^-14 where exponent is 0.
double value_of(unsigned pattern) {
  const int exponent = static_cast<int>(pattern >> 10 & 31u), fraction = static_cast<int>(pattern & 1023u);
  const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return pattern >= 0x8000u ? -magnitude : magnitude;
}
/// The nearest f16 as an f64, ties to even: a multiple of the unit of its binade; 2^16 and more is infinity.
double nearest_half(double value) {
  if (value == 0 || std::isinf(value)) return value;
  const int binade = std::ilogb(value) < -14 ? -14 : std::ilogb(value);
  const double unit = std::ldexp(1, binade - 10);
  const double rounded = std::nearbyint(value / unit) * unit;  // the default mode rounds ties to even
  return std::fabs(rounded) >= 65536 ? std::copysign(std::numeric_limits<double>::infinity(), value) : rounded;
}
bool rounds_right(float wide) {
  const auto found = static_cast<double>(static_cast<float>(lc::float16(wide)));
  const double wanted = nearest_half(static_cast<double>(wide));
  return found == wanted && std::signbit(found) == std::signbit(wanted);
}

static_assert(lc::float16(1.0f).bits == 0x3c00u && static_cast<float>(lc::float16(-0.5f)) == -0.5f);
static_assert(lc::float16(65504.0f).bits == 0x7bffu && lc::float16(65520.0f).bits == 0x7c00u);
static_assert(lc::convert_element<lc::float16>(0.1).bits == 0x2e66u);
static_assert(lc::convert_element<lc::float16>(lc::bfloat16(-3.0f)).bits == 0xc200u);

}  // namespace

TEST_CASE("f16: all 65536 patterns are widened exactly and come back") {
  bool exact = true, back = true, special = true;
  for (unsigned pattern = 0; pattern < 0x10000u; ++pattern) {
    const auto wide = static_cast<float>(half_of(pattern));
    special = special && std::signbit(wide) == (pattern >= 0x8000u);
    if ((pattern & 0x7c00u) == 0x7c00u) {
      special = special && ((pattern & 0x3ffu) == 0 ? std::isinf(wide) : std::isnan(wide));
      const unsigned again = lc::float16(wide).bits;
      // A NaN stays a NaN of its sign, quiet; its payload is not kept.
      special = special && again == ((pattern & 0x3ffu) == 0 ? pattern : ((pattern & 0x8000u) | 0x7e00u));
      continue;
    }
    exact = exact && static_cast<double>(wide) == value_of(pattern);
    back = back && lc::float16(wide).bits == pattern;
  }
  CHECK(exact);
  CHECK(back);
  CHECK(special);
}

TEST_CASE("f16 rounds to nearest, ties to even") {
  // Between each two neighbours: the middle, and the f32 on each side of it; denormals among them.
  bool right = true;
  for (unsigned pattern = 0; pattern < 0x7c00u; ++pattern) {
    const double above = pattern == 0x7bffu ? 65536 : value_of(pattern + 1);
    const auto middle = static_cast<float>((value_of(pattern) + above) / 2);
    REQUIRE(static_cast<double>(middle) * 2 == value_of(pattern) + above);
    for (const float wide : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e9f)})
      right = right && rounds_right(wide) && rounds_right(-wide);
    right = right && (lc::float16(middle).bits & 1u) == 0;
  }
  CHECK(right);
  // Anywhere.
  std::uint32_t bits = 1;
  for (unsigned i = 0; i < 2'000'000; ++i) {
    bits = bits * 1664525u + 1013904223u;
    const auto wide = __builtin_bit_cast(float, bits);
    if (!std::isnan(wide)) right = right && rounds_right(wide);
  }
  CHECK(right);
}

TEST_CASE("f16 at the ends of its range") {
  const auto of = [](double value) { return lc::float16(static_cast<float>(value)).bits; };
  CHECK(of(std::ldexp(1, -24)) == 0x0001u);  // the least denormal
  CHECK(of(std::ldexp(1, -25)) == 0x0000u);  // half of it: a tie, to the even 0
  CHECK(of(-std::ldexp(1, -25)) == 0x8000u);
  CHECK(of(std::ldexp(1.0001, -25)) == 0x0001u);
  CHECK(of(1e-40) == 0x0000u);                    // a denormal of f32
  CHECK(of(std::ldexp(1023.5, -24)) == 0x0400u);  // from the largest denormal up into the normal numbers
  CHECK(of(65519.99) == 0x7bffu);
  CHECK(of(65520) == 0x7c00u);  // a tie with 65536, which is no number
  CHECK(of(-65520) == 0xfc00u);
  CHECK(of(3.4e38) == 0x7c00u);
  CHECK(of(INFINITY) == 0x7c00u);
  CHECK(of(-INFINITY) == 0xfc00u);
  // NaNs whose payload lies in the bits that are dropped.
  for (const std::uint32_t bits : {0x7f800001u, 0x7fc00000u, 0xff801fffu, 0xffffffffu}) {
    const unsigned half = lc::float16(__builtin_bit_cast(float, bits)).bits;
    CHECK((half & 0x7fffu) > 0x7c00u);
    CHECK((half >= 0x8000u) == (bits >= 0x80000000u));
  }
}
