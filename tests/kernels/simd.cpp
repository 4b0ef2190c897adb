// The SIMD backend against the reference: products over all lengths and misalignments, and whole models.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

template <class Element>
using packed = lc::simd_lanes::panels<Element, 3, 4>;
static_assert(lc::overridden<lc::operation::multiply, lc::simd, lc::rows<float, 3>, lc::rows<const float, 4>,
                             lc::matrix<const float, 3, 4>, packed<float>>);
static_assert(lc::overridden<lc::operation::multiply, lc::simd, lc::rows<float, 3>, lc::rows<const float, 4>,
                             lc::matrix<const lc::bfloat16, 3, 4>, packed<lc::bfloat16>>);

/// Products of all token counts, from memory that no vector is aligned to; nothing outside y is written.
template <class Element, lc::extent_t Outputs, lc::extent_t Inputs>
void agree() {
  constexpr lc::extent_t most = 14;
  std::uint64_t drawn = 0;
  const auto random = [&] { return static_cast<float>(lc::random_normal(3, Outputs * 1000 + Inputs, drawn++)); };
  lc::tensor<Element, Outputs, Inputs> weight;
  for (auto& of : weight.data) of = lc::convert_element<Element>(random());
  auto form = std::make_unique<lc::simd_lanes::panels<Element, Outputs, Inputs>>();
  form->pack(weight);
  lc::tensor<float, most * Inputs + 1> input;
  for (auto& of : input.data) of = random();
  const lc::rows<const float, Inputs> x(input.data + 1, most);
  for (lc::extent_t tokens = 0; tokens <= most; ++tokens) {
    lc::tensor<float, most, Outputs> expected;
    lc::tensor<float, most * Outputs + 2> found;
    for (auto& of : found.data) of = 77;
    lc::op::multiply(expected.first(tokens), x.slice(0, tokens), weight, lc::nothing{}, lc::reference{});
    lc::op::multiply(lc::rows<float, Outputs>(found.data + 1, tokens), x.slice(0, tokens), weight, *form, lc::simd{});
    for (lc::extent_t i = 0; i < tokens * Outputs; ++i)
      REQUIRE(found[1 + i] == doctest::Approx(expected[i]).epsilon(2e-6).scale(static_cast<double>(Inputs)));
    REQUIRE(found[0] == 77);
    REQUIRE(found[1 + tokens * Outputs] == 77);
  }
}

/// Weights so large that tiles ask for the next block in advance.
template <class Element, lc::extent_t Outputs, lc::extent_t Inputs>
void agree_far() {
  static_assert(lc::simd_lanes::panels_of<Element, Outputs, Inputs> == lc::simd_lanes::layout::far_panels);
  agree<Element, Outputs, Inputs>();
}

/// Both transposes of the product, added to what is there already; nothing else is written.
template <class Element, lc::extent_t Outputs, lc::extent_t Inputs>
void agree_backward() {
  constexpr lc::extent_t most = 14;
  std::uint64_t drawn = 0;
  const auto random = [&] { return static_cast<float>(lc::random_normal(5, Outputs * 1000 + Inputs, drawn++)); };
  const auto draw = [&](auto& tensor) {
    for (auto& of : tensor.data) of = lc::convert_element<std::remove_reference_t<decltype(of)>>(random());
  };
  lc::tensor<Element, Outputs, Inputs> weight;
  lc::tensor<float, most, Outputs> dy;
  lc::tensor<float, most, Inputs> x, start;
  lc::tensor<float, Outputs, Inputs> gradient;
  draw(weight), draw(dy), draw(x), draw(start), draw(gradient);
  for (lc::extent_t tokens = 0; tokens <= most; ++tokens) {
    auto expected = start, found = start;
    lc::op::multiply_transposed(expected.first(tokens), dy.first(tokens), weight, lc::reference{});
    const auto ran = lc::op::multiply_transposed(found.first(tokens), dy.first(tokens), weight, lc::simd{});
    static_assert(lc::same<decltype(ran), const lc::ran_on<lc::simd>>);
    for (lc::extent_t i = 0; i < most * Inputs; ++i)
      REQUIRE(found[i] == doctest::Approx(expected[i]).epsilon(2e-6).scale(static_cast<double>(Outputs)));
    auto expected_gradient = gradient, found_gradient = gradient;
    lc::op::accumulate_outer(expected_gradient, dy.first(tokens), x.first(tokens), lc::reference{});
    lc::op::accumulate_outer(found_gradient, dy.first(tokens), x.first(tokens), lc::simd{});
    for (lc::extent_t i = 0; i < Outputs * Inputs; ++i)
      REQUIRE(found_gradient[i] == doctest::Approx(expected_gradient[i]).epsilon(2e-6).scale(14));
  }
}

template <std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (agree<float, Length + 1, 5>(), ...);
  (agree_backward<float, 5, Length + 1>(), ...);
}
/// Lengths around one and two registers of every width, for elements that are widened on the way.
template <class Element, lc::extent_t... Length>
void some_lengths() {
  (agree<Element, Length, 5>(), ...);
  (agree_backward<Element, 5, Length>(), ...);
  (agree<Element, 3, Length>(), ...);
}

template <class... Options>
void compare_models(double tolerance) {
  auto plain = std::make_unique<lc::model<recipes::llama, Options...>>();
  auto other = std::make_unique<lc::model<recipes::llama, lc::simd, Options...>>();
  recipes::randomise(*plain, 8, 0.4);
  recipes::randomise(*other, 8, 0.4);
  const auto expected = plain->forward({recipes::stream, 19});
  const auto found = other->forward({recipes::stream, 19});
  for (std::size_t i = 0; i < 11; ++i)
    CHECK(static_cast<double>(found(0, i)) ==
          doctest::Approx(static_cast<double>(expected(0, i))).epsilon(tolerance).scale(1));
}

}  // namespace

TEST_CASE("packed products are the reference's") {
  constexpr auto lengths = std::make_index_sequence<2 * lc::simd_lanes::lanes::lane_count + 1>{};
  all_lengths(lengths);
  some_lengths<lc::bfloat16, 1, 4, 7, 9, 15, 17, 24, 33>();
  some_lengths<lc::float16, 5, 16, 31, 33>();
  agree<float, 64, 64>();
  agree<float, 172, 64>();
  agree<lc::bfloat16, 172, 64>();
  agree<float, 130, 7>();
  agree<lc::bfloat16, 65, 33>();
  agree<lc::float16, 65, 33>();
  agree<float, 70, 300>();
  agree_far<float, 260, 130>();
  agree_far<lc::bfloat16, 301, 220>();
  agree_backward<float, 130, 70>();
  agree_backward<float, 64, 64>();
  agree_backward<lc::bfloat16, 300, 33>();
  agree_backward<lc::float16, 9, 65>();
}

TEST_CASE("models on simd: f32, bf16, f64 (which falls back), training") {
  compare_models<>(1e-5);
  compare_models<lc::bf16>(1e-5);
  compare_models<lc::f16>(1e-5);
  compare_models<lc::f64>(1e-12);
  compare_models<lc::training>(1e-5);
}
#endif
