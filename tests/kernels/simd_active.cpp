// Products by lists of active neurons, on SIMD lanes against the reference: lists of all lengths, rows of all widths,
// memory that no vector is aligned to.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;
constexpr lc::extent_t lanes = lc::simd_lanes::lanes::lane_count;
/// Token t has a list of t neurons: all lengths from none to two registers and one more.
constexpr lc::extent_t tokens = 2 * lanes + 2, neurons = 2 * lanes + 5;

/// What every call has to return.
template <class Backend, class Ran>
void ran_on(const Ran&) {
  static_assert(lc::same<typename Ran::backend, Backend>);
}

struct numbers {
  std::uint64_t seed, drawn = 0;
  float operator()() { return static_cast<float>(lc::random_normal(seed, 0, drawn++)); }
  template <class Tensor>
  void fill(Tensor& tensor) {
    for (auto& of : tensor.data) of = lc::convert_element<std::remove_reference_t<decltype(of)>>((*this)());
  }
};

/// Ascending lists of every length, other neurons for each token; the room behind a list names no neuron.
auto lists_of_all_lengths() {
  lc::active_lists<tokens, neurons> lists;
  for (auto& of : lists.numbers.data) of = 0xffffffffu;
  for (lc::extent_t t = 0; t < tokens; ++t) {
    std::uint32_t found = 0;
    for (std::uint32_t u = 0; u < neurons && found < t; ++u)
      if (lc::random_uniform(9, t, u) < 0.6 || neurons - u <= t - found) lists.numbers[t * neurons + found++] = u;
    lists.sizes[t] = found;
    REQUIRE(found == t);
  }
  return lists;
}

/// The four products with rows of `Columns` entries per neuron. What is expected is the reference's, and what stands
/// before and behind the result stays as it was.
template <class Element, lc::extent_t Columns>
void agree() {
  static const auto all = lists_of_all_lengths();
  const auto lists = all.first(tokens);
  numbers draw{40 + Columns};
  lc::tensor<Element, neurons, Columns> weight;
  lc::tensor<Element, Columns, neurons> other;
  lc::input_major<Element, Columns, neurons> by_input;
  draw.fill(weight), draw.fill(other);
  by_input.pack(other);
  lc::tensor<float, tokens * neurons + 1> some;
  lc::tensor<float, tokens * Columns + 1> wide;
  draw.fill(some), draw.fill(wide);
  const lc::rows<const float, neurons> of_neurons(some.data + 1, tokens);
  const lc::rows<const float, Columns> of_columns(wide.data + 1, tokens);

  const auto compare = [&]<lc::extent_t Width>(lc::count_constant<Width>, auto&& call) {
    std::vector<float> expected(tokens * Width + 2), found;
    for (float& of : expected) of = draw();
    found = expected;
    call(lc::rows<float, Width>(expected.data() + 1, tokens), lc::reference{});
    ran_on<lc::simd>(call(lc::rows<float, Width>(found.data() + 1, tokens), lc::simd{}));
    REQUIRE(found.front() == expected.front());
    REQUIRE(found.back() == expected.back());
    for (lc::extent_t i = 1; i + 1 < found.size(); ++i)
      REQUIRE(found[i] == doctest::Approx(expected[i]).epsilon(2e-6).scale(neurons));
  };
  compare(lc::count_constant<neurons>{}, [&](auto y, const auto& backend) {
    return lc::op::multiply_some_outputs(y, of_columns, weight, lists, backend);
  });
  compare(lc::count_constant<Columns>{}, [&](auto dx, const auto& backend) {
    return lc::op::multiply_some_outputs_transposed(dx, of_neurons, weight, lists, backend);
  });
  compare(lc::count_constant<Columns>{}, [&](auto y, const auto& backend) {
    return lc::op::multiply_some_inputs(y, of_neurons, by_input, lists, backend);
  });
  compare(lc::count_constant<neurons>{}, [&](auto dh, const auto& backend) {
    return lc::op::multiply_some_inputs_transposed(dh, of_columns, by_input, lists, backend);
  });
}

template <std::size_t... Column>
void all_widths(std::index_sequence<Column...>) {
  (agree<float, Column + 1>(), ...);
}

/// Lists by both rules; the reference decides, and what it does is checked against the definition.
template <lc::extent_t Columns>
void agree_on_lists() {
  constexpr lc::extent_t count = 9;
  const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  const float special[]{0.0f, -0.0f, none, -none, infinite, -infinite, 0.5f, -0.5f};
  numbers draw{70 + Columns};
  lc::tensor<float, count * Columns + 1> values;
  draw.fill(values);
  for (lc::extent_t i = 0; i < values.size; i += 3) values[i] = special[i / 3 % 8];
  for (lc::extent_t c = 0; c < Columns; ++c) values[1 + c] = 0, values[1 + Columns + c] = 1;  // none, and all
  const lc::rows<const float, Columns> x(values.data + 1, count);
  const auto check = [&](const auto& rule) {
    lc::tensor<std::uint32_t, count * Columns + 2> numbers[2];
    lc::tensor<std::uint32_t, count> sizes[2];
    for (auto& of : numbers)
      for (auto& number : of.data) number = 77;
    const auto lists = [&](int i) {
      return lc::active_view<std::uint32_t, Columns>(numbers[i].data + 1, sizes[i].data, count);
    };
    lc::op::find_active(lists(0), x, rule, lc::reference{});
    ran_on<lc::simd>(lc::op::find_active(lists(1), x, rule, lc::simd{}));
    for (const auto& of : numbers) REQUIRE((of[0] == 77 && of[count * Columns + 1] == 77));
    for (lc::extent_t t = 0; t < count; ++t) {
      std::vector<std::uint32_t> expected;
      for (std::uint32_t c = 0; c < Columns; ++c)
        if (rule(x(t, c))) expected.push_back(c);
      for (int i = 0; i < 2; ++i)
        REQUIRE(expected == std::vector<std::uint32_t>(lists(i).list(t), lists(i).list(t) + lists(i).size(t)));
    }
  };
  for (const float bound : {0.0f, 0.5f, -infinite}) check(lc::active::above<float>{bound});
  for (const float bound : {0.0f, 0.5f, infinite}) check(lc::active::magnitude_above<float>{bound});
}
template <std::size_t... Column>
void all_lists(std::index_sequence<Column...>) {
  (agree_on_lists<Column + 1>(), ...);
}

template <class... Options>
void compare_models() {
  auto plain = std::make_unique<lc::model<recipes::active, Options...>>();
  auto other = std::make_unique<lc::model<recipes::active, lc::simd, Options...>>();
  recipes::randomise(*plain, 8, 0.4);
  recipes::randomise(*other, 8, 0.4);
  const auto expected = plain->forward({recipes::stream, 19});
  const auto found = other->forward({recipes::stream, 19});
  for (std::size_t i = 0; i < 11; ++i) CHECK(found(0, i) == doctest::Approx(expected(0, i)).epsilon(1e-5).scale(1));
}

}  // namespace

TEST_CASE("models that leave neurons and inputs out") {
  compare_models<>();
  compare_models<lc::bf16>();
  compare_models<lc::training>();
  // Thresholds of 0 change no bit: the dense kernels run.
  using dense = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                            lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                         lc::ffn<lc::hidden<70>, lc::gated<lc::silu>>>>;
  auto plain = std::make_unique<lc::model<dense, lc::simd>>();
  auto gated = std::make_unique<lc::model<lc::substitute<dense, lc::dense, lc::thresholded>, lc::simd>>();
  recipes::randomise(*plain, 8, 0);
  std::vector<float> weights;
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& of) {
        for (float& weight : of.data) weights.push_back(weight += static_cast<float>(lc::random_normal(1, 1, drawn++)));
      },
      plain->parameters_to_write());
  std::size_t at = 0;
  lc::visit_named(
      [&](const char* path, auto& of) {
        if (std::string(path).find("threshold") != std::string::npos) return;
        for (float& weight : of.data) weight = weights[at++];
      },
      gated->parameters_to_write());
  REQUIRE(at == weights.size());
  plain->update(), gated->update();
  for (const std::size_t count : {1u, 7u, 11u}) {
    const auto expected = plain->forward({recipes::stream, count});
    const auto found = gated->forward({recipes::stream, count});
    for (std::size_t i = 0; i < 11; ++i) REQUIRE(found(0, i) == expected(0, i));
  }
}

TEST_CASE("products by lists are the reference's") {
  all_widths(std::make_index_sequence<lanes + 1>{});
  agree<float, 2 * lanes - 1>();
  agree<float, 2 * lanes>();
  agree<float, 2 * lanes + 1>();
  agree<float, 130>();
  agree<lc::bfloat16, 1>();
  agree<lc::bfloat16, lanes>();
  agree<lc::bfloat16, 67>();
  agree<lc::float16, 33>();
  agree<lc::float16, 64>();
}

TEST_CASE("lists of active columns are the reference's") {
  all_lists(std::make_index_sequence<2 * lanes + 1>{});
  agree_on_lists<100>();
}

TEST_CASE("what lanes do not compute is left to the reference") {
  lc::active_lists<2, 3> lists;
  lc::tensor<double, 2, 3> x;
  ran_on<lc::reference>(lc::op::find_active(lists.first(2), x.view(), lc::active::above<double>{0}, lc::simd{}));
  lc::tensor<float, 2, 3> single;
  lc::tensor<float, 3, 3> gradient;
  ran_on<lc::reference>(
      lc::op::accumulate_some_inputs(gradient, single.view(), single.view(), lists.first(2), lc::simd{}));
  lc::tensor<double, 3, 3> wide;
  ran_on<lc::reference>(lc::op::accumulate_some_outputs(wide, x.view(), x.view(), lists.first(2), lc::simd{}));
}

TEST_CASE("comparisons to bits, and bits to numbers") {
  using lc::simd_lanes::bits_above, lc::simd_lanes::store_numbers;
  const float none = std::numeric_limits<float>::quiet_NaN();
  for (lc::extent_t j = 0; j < lanes; ++j)
    for (const float x : {-1.0f, 0.0f, 1.0f, none}) {
      float of[lanes]{};
      of[j] = x;
      const auto bits = bits_above(lc::simd_lanes::lanes::load(of), lc::simd_lanes::lanes(0.0f));
      REQUIRE(bits == (x <= 0 ? 0u : 1u << j));
    }
  for (std::uint32_t bits = 0; bits < (1u << (lanes < 12 ? lanes : 12)); ++bits) {
    std::uint32_t numbers[lanes], at = 0;
    const std::uint32_t found = store_numbers(numbers, 100, bits);
    for (std::uint32_t j = 0; j < lanes; ++j)
      if ((bits >> j & 1u) != 0) REQUIRE(numbers[at++] == 100 + j);
    REQUIRE(found == at);
  }
}
#endif
