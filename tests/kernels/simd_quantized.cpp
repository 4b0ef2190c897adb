// Products of eight bits on SIMD lanes: integers are the same bits as the reference's, numbers near it.
#if __has_include(<xsimd/xsimd.hpp>)
#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t lanes = lc::simd_traits::lanes;

/// How integers are drawn.
enum class drawn { any, largest, smallest, opposite };

/// A weight, rows of inputs and adjoints that no register is aligned to.
template <lc::extent_t Outputs, lc::extent_t Inputs, class Scale = float>
struct rig {
  static constexpr lc::extent_t tokens = 67;  // more than one pass over the weight
  std::vector<std::int8_t> integers = std::vector<std::int8_t>(Outputs * Inputs + 1);
  std::vector<Scale> scales = std::vector<Scale>(Outputs + 1);
  std::vector<float> numbers = std::vector<float>(tokens * Inputs + 1),
                     adjoints = std::vector<float>(tokens * Outputs + 1);
  std::unique_ptr<lc::quantized_buffer<float, tokens, Inputs>> by_reference =
      std::make_unique<lc::quantized_buffer<float, tokens, Inputs>>();
  std::unique_ptr<lc::quantized_buffer<float, tokens, Inputs>> by_lanes =
      std::make_unique<lc::quantized_buffer<float, tokens, Inputs>>();

  explicit rig(drawn how = drawn::any) {
    for (std::size_t i = 0; i < integers.size(); ++i)
      integers[i] = how == drawn::any        ? static_cast<std::int8_t>(lc::random_uniform(1, Inputs, i) * 255 - 127)
                    : how == drawn::smallest ? std::int8_t{-127}
                                             : std::int8_t{127};
    for (std::size_t o = 0; o < scales.size(); ++o)
      scales[o] = lc::convert_element<Scale>(static_cast<float>(0.01 * lc::random_uniform(2, 0, o)));
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = how == drawn::any        ? static_cast<float>(lc::random_normal(3, Inputs, i))
                   : how == drawn::opposite ? -2.f
                                            : 2.f;
    for (std::size_t i = 0; i < adjoints.size(); ++i) adjoints[i] = static_cast<float>(lc::random_normal(4, 0, i));
  }
  lc::quantized_matrix<Scale, Outputs, Inputs> weight() const { return {integers.data() + 1, scales.data() + 1}; }
  lc::rows<const float, Inputs> x(lc::extent_t count) const { return {numbers.data() + 1, count}; }
  lc::rows<const float, Outputs> dy(lc::extent_t count) const { return {adjoints.data() + 1, count}; }
};

/// Rows to write, with one number on each side that stays.
template <lc::extent_t Columns>
struct written {
  std::vector<float> all;
  explicit written(lc::extent_t count) : all(count * Columns + 2, 0.5f) {}
  lc::rows<float, Columns> view() { return {all.data() + 1, (all.size() - 2) / Columns}; }
};
bool are_near(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double a = static_cast<double>(found[i]), b = static_cast<double>(expected[i]);
    if (!(std::fabs(a - b) <= tolerance * (1 + std::fabs(b)))) return false;
  }
  return found.front() == 0.5f && found.back() == 0.5f;
}

template <class Ran>
constexpr bool on_lanes = lc::same<std::remove_cvref_t<Ran>, lc::ran_on<lc::simd>>;

/// One operation on both backends, `op(backend, view of what is written)`.
template <lc::extent_t Columns, class Operation>
bool agrees(lc::extent_t count, double tolerance, Operation&& op) {
  written<Columns> expected(count), found(count);
  op(lc::reference{}, expected.view());
  const auto ran = op(lc::simd{}, found.view());
  static_assert(on_lanes<decltype(ran)>);
  return tolerance == 0 ? found.all == expected.all : are_near(found.all, expected.all, tolerance);
}
/// The gradient of scales on both backends.
template <lc::extent_t Outputs, class Operation>
bool gradients_agree(double tolerance, Operation&& op) {
  lc::tensor<float, Outputs> expected, found;
  op(lc::reference{}, expected);
  const auto ran = op(lc::simd{}, found);
  static_assert(on_lanes<decltype(ran)>);
  for (lc::extent_t o = 0; o < Outputs; ++o)
    if (!(std::fabs(found[o] - expected[o]) <= tolerance * (1 + std::fabs(expected[o])))) return false;
  return true;
}

template <lc::extent_t Outputs, lc::extent_t Inputs, class Scale>
bool integers_agree(rig<Outputs, Inputs, Scale>& of, lc::extent_t count) {
  const auto expected = of.by_reference->first(count), found = of.by_lanes->first(count);
  for (auto& integer : of.by_lanes->integers.data) integer = 99;
  lc::op::quantize_rows(expected, of.x(count), lc::reference{});
  const auto ran = lc::op::quantize_rows(found, of.x(count), lc::simd{});
  static_assert(on_lanes<decltype(ran)>);
  for (lc::extent_t t = 0; t < count; ++t)
    if (found.scales[t] != expected.scales[t]) return false;
  if (!std::equal(found.integers, found.integers + count * found.stride, expected.integers)) return false;
  return agrees<Outputs>(
      count, 0, [&](const auto& backend, auto y) { return lc::op::multiply_integers(y, found, of.weight(), backend); });
}
template <lc::extent_t Outputs, lc::extent_t Inputs, class Scale>
bool numbers_agree(rig<Outputs, Inputs, Scale>& of, lc::extent_t count) {
  const auto x = of.x(count);
  const auto dy = of.dy(count);
  return agrees<Outputs>(
             count, 1e-5,
             [&](const auto& backend, auto y) { return lc::op::multiply_quantized(y, x, of.weight(), backend); }) &&
         agrees<Inputs>(count, 1e-5, [&](const auto& backend, auto dx) {
           return lc::op::multiply_quantized_transposed(dx, dy, of.weight(), backend);
         });
}
/// After `integers_agree`, which quantises the rows.
template <lc::extent_t Outputs, lc::extent_t Inputs, class Scale>
bool scales_agree(rig<Outputs, Inputs, Scale>& of, lc::extent_t count) {
  const double tolerance = 2e-4 * std::sqrt(static_cast<double>(Inputs));
  return gradients_agree<Outputs>(tolerance,
                                  [&](const auto& backend, auto& dscale) {
                                    return lc::op::accumulate_scales(dscale, of.dy(count), of.x(count), of.weight(),
                                                                     backend);
                                  }) &&
         gradients_agree<Outputs>(tolerance, [&](const auto& backend, auto& dscale) {
           return lc::op::accumulate_scales(dscale, of.dy(count), of.by_lanes->first(count), of.weight(), backend);
         });
}

template <lc::extent_t Outputs, lc::extent_t Inputs, class Scale = float>
void compare(std::initializer_list<lc::extent_t> counts) {
  rig<Outputs, Inputs, Scale> of;
  for (const lc::extent_t count : counts) {
    INFO(Outputs << " outputs, " << Inputs << " inputs, " << count << " tokens");
    REQUIRE((integers_agree(of, count) && numbers_agree(of, count)));
  }
}
template <std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (compare<Length % 6 + 1, Length + 1>({0, 1, 2, 5}), ...);
}

}  // namespace

TEST_CASE("every number of inputs up to two registers of f32 and one more, few outputs") {
  all_lengths(std::make_index_sequence<2 * lanes + 1>{});
}

TEST_CASE("inputs around registers of bytes, and many; outputs that are no fours; many tokens") {
  compare<7, 63>({1, 3}), compare<8, 64>({1, 4, 7}), compare<5, 65>({1, 6});
  compare<64, 172>({1, 2, 3, 4, 5, 6, 7, 40});
  compare<37, 288>({1, 40, 67});
}

TEST_CASE("gradients of scales, of rows in f32 and in bytes") {
  rig<9, 70> of;
  for (const lc::extent_t count : {1u, 3u, 67u}) {
    REQUIRE(integers_agree(of, count));
    CHECK(scales_agree(of, count));
  }
}

TEST_CASE("scales in sixteen bits") {
  compare<11, 40, lc::bfloat16>({1, 3});
  compare<10, 40, lc::float16>({1, 3});
}

TEST_CASE("the largest integers everywhere: nothing saturates") {
  for (const drawn how : {drawn::largest, drawn::smallest, drawn::opposite}) {
    rig<9, 1000> of(how);
    REQUIRE(integers_agree(of, 5));
    lc::tensor<float, 1, 9> y;
    lc::op::multiply_integers(y.view(), of.by_lanes->first(1), of.weight(), lc::simd{});
    const float all = how == drawn::largest ? 127.f * 127 * 1000 : -127.f * 127 * 1000;
    for (lc::extent_t o = 0; o < 9; ++o) REQUIRE(y[o] == all * (2.f / 127) * of.scales[o + 1]);
  }
  // As many inputs as 32 bits hold the sum of.
  auto most = std::make_unique<rig<2, lc::most_integer_inputs>>(drawn::opposite);
  REQUIRE(integers_agree(*most, 1));
}

TEST_CASE("numbers on the middle between two integers, tiny rows, rows with what is no number") {
  rig<5, 75> of;
  for (lc::extent_t i = 0; i < 75; ++i) {
    of.numbers[1 + i] = i == 0 ? 127.f : static_cast<float>(i) * 0.5f - 20;  // steps of 1: every other is a middle
    of.numbers[1 + 75 + i] = 0;
    of.numbers[1 + 2 * 75 + i] *= 1e-32f;
    of.numbers[1 + 3 * 75 + i] *= 1e-39f;
    of.numbers[1 + 4 * 75 + i] *= 1e28f;
  }
  REQUIRE(integers_agree(of, 6));
  REQUIRE(of.by_lanes->scales[0] == 1);
  REQUIRE(of.by_lanes->integers[41] == 0);  // 0.5
  REQUIRE(of.by_lanes->integers[43] == 2);  // 1.5
  REQUIRE(of.by_lanes->scales[1] == 0);
  for (const float bad :
       {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (const lc::extent_t at : {0u, 31u, 74u}) {
      rig<5, 75> broken;
      broken.numbers[1 + 75 + at] = bad;
      const auto found = broken.by_lanes->first(3), expected = broken.by_reference->first(3);
      lc::op::quantize_rows(found, broken.x(3), lc::simd{});
      lc::op::quantize_rows(expected, broken.x(3), lc::reference{});
      lc::tensor<float, 3, 5> y, by_numbers;
      lc::op::multiply_integers(y.view(), found, broken.weight(), lc::simd{});
      lc::op::multiply_quantized(by_numbers.view(), broken.x(3), broken.weight(), lc::simd{});
      for (lc::extent_t i = 0; i < y.size; ++i) {
        REQUIRE(std::isnan(y[i]) == (i / 5 == 1));
        REQUIRE(std::isfinite(by_numbers[i]) == (i / 5 != 1));
      }
      for (lc::extent_t i = 0; i < found.stride; ++i) REQUIRE(found.row(1)[i] == 0);
      REQUIRE(found.scales[2] == expected.scales[2]);
    }
}

TEST_CASE("a whole model gives the same bits where all its products are those of integers") {
  using both = lc::quantized<8, lc::activations<8>>;
  using recipe = lc::decoder<lc::vocabulary<32>, lc::width<24>, lc::context<32>,
                             lc::repeat<2, lc::pre_norm<lc::no_norm, lc::ffn<lc::hidden<44>, lc::relu, both>>>,
                             lc::linear_head<both>>;
  auto slow = std::make_unique<lc::model<recipe>>();
  auto fast = std::make_unique<lc::model<recipe, lc::simd>>();
  const auto fill = [](auto& model) {
    std::uint64_t counter = 0;
    lc::visit_tensors(
        [&]<class Tensor>(Tensor& tensor) {
          for (auto& of : tensor.data)
            of = static_cast<typename Tensor::element>((lc::is_integer<typename Tensor::element> ? 100 : 0.3) *
                                                       (lc::random_uniform(7, 0, counter++) - 0.4));
        },
        model.parameters_to_write());
    model.update();
  };
  fill(*slow), fill(*fast);
  const std::uint32_t tokens[]{5, 1, 30, 7, 7, 2, 9};
  REQUIRE(slow->try_forward({tokens, 7}).ok());
  REQUIRE(fast->try_forward({tokens, 7}).ok());
  const auto expected = slow->last_logits(), found = fast->last_logits();
  for (lc::extent_t i = 0; i < 32; ++i) REQUIRE(found(0, i) == expected(0, i));
}
#endif
