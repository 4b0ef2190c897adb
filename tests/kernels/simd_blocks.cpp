// Products of sparse weights on SIMD lanes against the reference.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/blocks_comparison.hpp"

#include <lacuna/with_simd.hpp>

namespace {
namespace lc = lacuna;
using namespace blocks_comparison;
constexpr lc::extent_t lanes = lc::simd_lanes::lanes::lane_count;

template <class Element, class Pattern>
void agree_on() {
  agree_for_all_tokens<lc::simd, Element, Pattern>();
}

}  // namespace

TEST_CASE("blocks of several inputs, and over both edges") {
  agree_on<float, anywhere<2 * lanes + 3, 41, 4, 4>>();
  agree_on<float, anywhere<19, 37, 1, 16>>();
  agree_on<float, anywhere<19, 4 * lanes, 1, 2 * lanes>>();
  agree_on<float, anywhere<21, 23, 3, 2>>();
  agree_on<float, anywhere<lanes + 5, 37, 8, 1>>();
  agree_on<float, anywhere<5 * lanes - 3, 29, 2 * lanes, 3>>();
  agree_on<float, anywhere<6 * lanes + 1, 30, 4 * lanes, 1>>();
  agree_on<float, anywhere<5 * lanes, 30, 3 * lanes, 1>>();
}

TEST_CASE("groups, chosen by one output or by several") {
  agree_on<float, lc::grouped_blocks<2 * lanes + 1, 24, 1, 2, 4>>();
  agree_on<float, lc::grouped_blocks<4 * lanes, 20, 1, 1, 4>>();
  agree_on<float, lc::grouped_blocks<13, 24, 1, 3, 8>>();
  agree_on<float, lc::grouped_blocks<13, 20, 4, 2, 4>>();
  agree_on<float, lc::grouped_blocks<37, 20, 16, 1, 4>>();
}

TEST_CASE("stretches of inputs") {
  // Of so many inputs that no scratch holds them all, in every way that blocks lie.
  agree_on<float, anywhere<2 * lanes + 3, 2100, 1, 1>>();
  agree_on<float, anywhere<2 * lanes + 3, 2100, 4, 8>>();
  agree_on<float, anywhere<lanes + 3, 2100, lanes, 8>>();
  agree_on<float, lc::grouped_blocks<lanes + 3, 2100, 1, 1, 4>>();
}

TEST_CASE("weights of 16 bits") {
  agree_on<lc::bfloat16, anywhere<2 * lanes + 3, 300, 1, 1>>();
  agree_on<lc::bfloat16, anywhere<19, 70, 4, 1>>();
  agree_on<lc::bfloat16, anywhere<21, 35, 2 * lanes, 1>>();
  agree_on<lc::bfloat16, lc::grouped_blocks<13, 20, 1, 2, 4>>();
  agree_on<lc::float16, anywhere<2 * lanes + 3, 40, 1, 1>>();
  agree_on<lc::float16, anywhere<19, 40, 4, 4>>();
  agree_on<lc::float16, lc::grouped_blocks<37, 20, 16, 1, 4>>();
}

TEST_CASE("what lanes do not compute is left to the reference") {
  using pattern = anywhere<3, 4, 1, 1>;
  const random_blocks<double, pattern> of(3, 0.9);
  shifted_rows<double, 4> x(4, 2);
  shifted_rows<double, 3> y(4, 2);
  const auto ran = lc::op::multiply_blocks(y.view(), x.view(), of.view(), lc::nothing{}, lc::simd{});
  static_assert(lc::same<typename decltype(ran)::backend, lc::reference>);
}

TEST_CASE("gathered, repeated and chosen lanes") {
  using lc::simd_lanes::lanes;
  float from[64], found[lanes::lane_count];
  std::uint16_t narrow[lanes::lane_count];
  std::uint32_t wide[lanes::lane_count];
  for (lc::extent_t i = 0; i < 64; ++i) from[i] = static_cast<float>(i) + 0.5f;
  for (lc::extent_t j = 0; j < lanes::lane_count; ++j) wide[j] = narrow[j] = static_cast<std::uint16_t>(j * 29 % 64);
  for (const auto& gathered : {lanes::gather(from, narrow), lanes::gather(from, wide)}) {
    gathered.store(found);
    for (lc::extent_t j = 0; j < lanes::lane_count; ++j) CHECK(found[j] == from[narrow[j]]);
  }
  const auto repeats = [&]<lc::extent_t Repeat>(lc::count_constant<Repeat>) {
    if constexpr (lanes::lane_count % Repeat == 0) {
      float numbers[lanes::lane_count / Repeat];
      for (lc::extent_t j = 0; j < lanes::lane_count / Repeat; ++j) numbers[j] = from[7 + j];
      lanes::repeated<Repeat>(numbers).store(found);
      for (lc::extent_t j = 0; j < lanes::lane_count; ++j) CHECK(found[j] == from[7 + j / Repeat]);
    }
  };
  repeats(lc::count_constant<1>{}), repeats(lc::count_constant<2>{}), repeats(lc::count_constant<4>{});
  repeats(lc::count_constant<8>{});
  for (const std::uint32_t bits : {0u, 0xffffffffu, 0x1b2c93e4u}) {
    const auto chosen = [&]<lc::extent_t Part>(lc::count_constant<Part>) {
      if constexpr (2 * lanes::lane_count * (Part + 1) <= 32) {
        lanes::one_of_four<Part>(from + 3, bits).store(found);
        for (lc::extent_t j = 0; j < lanes::lane_count; ++j)
          CHECK(found[j] == from[3 + (bits >> 2 * (Part * lanes::lane_count + j) & 3u)]);
      }
    };
    chosen(lc::count_constant<0>{}), chosen(lc::count_constant<1>{}), chosen(lc::count_constant<3>{});
  }
}
#endif
