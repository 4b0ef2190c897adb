#pragma once
// Losses and optimisers' steps of a backend against the reference, over all lengths around its lanes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <vector>

namespace learning_tests {
namespace lc = lacuna;

template <class Value>
constexpr double tolerance = sizeof(Value) == 4 ? 1e-6 : 1e-14;

/// Numbers with a few places more than are used, so that what is written behind them shows.
template <class Value>
std::vector<Value> random_numbers(std::size_t count, std::uint64_t seed, double scale = 1) {
  std::vector<Value> made(count);
  for (std::size_t i = 0; i < count; ++i) made[i] = static_cast<Value>(scale * lc::random_normal(seed, 0, i));
  return made;
}
template <class Value>
void check_close(const std::vector<Value>& got, const std::vector<Value>& expected, std::size_t size, double most) {
  for (std::size_t i = 0; i < size; ++i)
    REQUIRE(std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])) <= most);
  for (std::size_t i = size; i < got.size(); ++i) REQUIRE(got[i] == expected[i]);
}

/// All flat operations on `size` numbers that begin `shift` numbers behind an aligned place.
template <class Backend, class Value>
void compare_flat(std::size_t size, std::size_t shift) {
  const auto view = [&](auto& of) { return lc::rows<Value, 1>(of.data() + shift, size); };
  const std::size_t all = size + shift;
  const auto gradient = random_numbers<Value>(all + 3, 1, 3);
  const auto read = lc::rows<const Value, 1>(gradient.data() + shift, size);
  const double most = 8 * tolerance<Value>;

  auto sum = random_numbers<Value>(all + 3, 2), expected_sum = sum;
  lc::op::add_numbers(view(sum), read, Backend{});
  lc::op::add_numbers(view(expected_sum), read, lc::reference{});
  check_close(sum, expected_sum, all, 0);

  double squares = 0.5, expected_squares = 0.5;
  lc::op::sum_squares(squares, read, Backend{});
  lc::op::sum_squares(expected_squares, read, lc::reference{});
  REQUIRE(squares == doctest::Approx(expected_squares).epsilon(tolerance<Value>));

  auto weight = random_numbers<Value>(all + 3, 3), first = random_numbers<Value>(all + 3, 4);
  auto second = random_numbers<Value>(all + 3, 5);
  for (auto& of : second) of = std::abs(of);
  auto expected_weight = weight, expected_first = first, expected_second = second;
  const lc::adam_numbers<Value> adam{Value(0.25), Value(0.9), Value(0.1),  Value(0.99), Value(0.01),
                                     Value(0.05), Value(0.7), Value(1e-3), Value(0.98)};
  lc::op::adam_step(view(weight), read, view(first), view(second), adam, Backend{});
  lc::op::adam_step(view(expected_weight), read, view(expected_first), view(expected_second), adam, lc::reference{});
  check_close(weight, expected_weight, all, most);
  check_close(first, expected_first, all, most);
  check_close(second, expected_second, all, most);

  for (const bool ahead : {false, true}) {
    const lc::momentum_numbers<Value> momentum{Value(0.25), Value(0.9), Value(0.1), Value(0.05), ahead};
    lc::op::momentum_step(view(weight), read, view(first), momentum, Backend{});
    lc::op::momentum_step(view(expected_weight), read, view(expected_first), momentum, lc::reference{});
    check_close(weight, expected_weight, all, most);
    check_close(first, expected_first, all, most);
  }
}

/// What is left out of `size` numbers that begin `shift` numbers behind an aligned place: the same ones, bit for bit,
/// elsewhere and in place, what is no number included.
template <class Backend, class Value>
void compare_drop(std::size_t size, std::size_t shift, const lc::drop_key& key) {
  auto x = random_numbers<Value>(size + shift + 3, 6);
  if (size > 3) {
    x[shift] = std::numeric_limits<Value>::infinity(), x[shift + 1] = std::numeric_limits<Value>::quiet_NaN();
    x[shift + 2] = -Value(0), x[shift + 3] = std::numeric_limits<Value>::denorm_min();
  }
  const auto same = [](const std::vector<Value>& a, const std::vector<Value>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0;
  };
  const auto view = [&](auto& of) { return lc::rows<Value, 1>(of.data() + shift, size); };
  const auto read = lc::rows<const Value, 1>(x.data() + shift, size);
  auto expected = random_numbers<Value>(size + shift + 3, 7), found = expected, in_place = x;
  lc::op::drop(view(expected), read, key, lc::reference{});
  lc::op::drop(view(found), read, key, Backend{});
  REQUIRE(same(found, expected));
  auto expected_in_place = x;
  lc::op::drop(view(expected_in_place), read, key, lc::reference{});
  lc::op::drop(view(in_place), lc::readable(view(in_place)), key, Backend{});
  REQUIRE(same(in_place, expected_in_place));
}

template <class Backend, class Value, lc::extent_t Vocabulary>
void compare_cross_entropy() {
  constexpr std::size_t tokens = 5;
  for (const double scale : {0.0, 1.0, 40.0}) {
    const auto logits = random_numbers<Value>(tokens * Vocabulary, 7, scale);
    std::uint32_t targets[tokens];
    for (std::size_t t = 0; t < tokens; ++t)
      targets[t] = t == 2 ? lc::no_token : static_cast<std::uint32_t>((t * 7 + 3) % Vocabulary);
    std::vector<Value> adjoint(tokens * Vocabulary + 3, Value(9)), expected = adjoint;
    double losses[tokens + 1]{9, 9, 9, 9, 9, 9}, expected_losses[tokens + 1]{9, 9, 9, 9, 9, 9};
    const lc::rows<const Value, Vocabulary> read(logits.data(), tokens);
    lc::op::cross_entropy(lc::rows<double, 1>(losses, tokens), lc::rows<Value, Vocabulary>(adjoint.data(), tokens),
                          read, {targets, tokens}, 0.25, Backend{});
    lc::op::cross_entropy(lc::rows<double, 1>(expected_losses, tokens),
                          lc::rows<Value, Vocabulary>(expected.data(), tokens), read, {targets, tokens}, 0.25,
                          lc::reference{});
    for (std::size_t t = 0; t <= tokens; ++t)
      REQUIRE(std::abs(losses[t] - expected_losses[t]) <= 4 * tolerance<Value> * (1 + std::abs(expected_losses[t])));
    check_close(adjoint, expected, tokens * Vocabulary, 4 * tolerance<Value>);
    REQUIRE(losses[2] == 0);

    // The adjoint may take the logits' place.
    auto in_place = logits;
    in_place.resize(tokens * Vocabulary + 3, Value(9));
    const lc::rows<Value, Vocabulary> both(in_place.data(), tokens);
    lc::op::cross_entropy(lc::rows<double, 1>(losses, tokens), both, both, {targets, tokens}, 0.25, Backend{});
    check_close(in_place, adjoint, tokens * Vocabulary, 0);

    // One logit that is no number makes its row's loss none, and leaves the others alone.
    auto broken = logits;
    broken[Vocabulary - 1] = std::numeric_limits<Value>::quiet_NaN();
    double second = losses[1];
    lc::op::cross_entropy(lc::rows<double, 1>(losses, tokens), lc::rows<Value, Vocabulary>(adjoint.data(), tokens),
                          lc::rows<const Value, Vocabulary>(broken.data(), tokens), {targets, tokens}, 0.25, Backend{});
    REQUIRE(std::isnan(losses[0]));
    REQUIRE(losses[1] == second);
  }
}

template <class Backend, class Value, std::size_t... Vocabulary>
void compare_vocabularies(std::index_sequence<Vocabulary...>) {
  (compare_cross_entropy<Backend, Value, Vocabulary + 1>(), ...);
}

}  // namespace learning_tests
