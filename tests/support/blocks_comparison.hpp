#pragma once
// Products of sparse weights by a backend against the reference: forward, transposed and gradients, over patterns with
// empty and full strips, kept zeros, edges that blocks reach over, numbers of tokens, and memory no vector is aligned
// to.

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <memory>
#include <vector>

namespace blocks_comparison {
namespace lc = lacuna;

inline constexpr float none = std::numeric_limits<float>::quiet_NaN();

/// A random weight: strips that are empty, full, of one entry, and of about the asked share; some kept zeros. What lies
/// beyond the weight's edges is no number: whoever reads it shows it.
template <class Element, class Pattern>
struct random_blocks {
  std::vector<Element> values;
  std::vector<std::uint32_t> begins;
  std::vector<typename Pattern::number> numbers;

  random_blocks(std::uint64_t seed, double share) {
    std::uint64_t drawn = 0;
    begins.push_back(0);
    for (lc::extent_t strip = 0; strip < Pattern::strips; ++strip) {
      add_entries(seed, strip, share);
      begins.push_back(static_cast<std::uint32_t>(numbers.size()));
    }
    values.resize(numbers.size() * Pattern::block_size, lc::convert_element<Element>(none));
    const auto weight = view();
    for (lc::extent_t strip = 0; strip < Pattern::strips; ++strip)
      lc::for_each_value(weight.pattern, strip, [&](lc::extent_t, lc::extent_t, lc::extent_t at) {
        const auto drawn_value = static_cast<float>(lc::random_normal(seed, 1, drawn++));
        values[at] = lc::convert_element<Element>(drawn % 7 == 0 ? 0.0f : drawn_value);
      });
    // The vectors may be empty; a view points somewhere.
    values.resize(values.size() + 1, lc::convert_element<Element>(none));
    numbers.resize(numbers.size() + 1);
  }
  Pattern pattern() const {
    if constexpr (requires { Pattern::group; })
      return Pattern(numbers.data());
    else
      return Pattern(begins.data(), numbers.data());
  }
  lc::block_matrix<const Element, Pattern> view() const { return {values.data(), pattern()}; }

 private:
  void add_entries(std::uint64_t seed, lc::extent_t strip, double share) {
    if constexpr (requires { Pattern::group; }) {
      for (lc::extent_t group = 0; group < Pattern::inputs / Pattern::group; ++group) {
        lc::extent_t kept = 0;
        for (lc::extent_t i = 0; i < Pattern::group && kept < Pattern::kept; ++i) {
          const lc::extent_t left = Pattern::group - i;
          if (left > Pattern::kept - kept && lc::random_uniform(seed, strip * 1000 + group, i) > 0.5) continue;
          numbers.push_back(static_cast<typename Pattern::number>(i));
          ++kept;
        }
      }
    } else {
      const bool full = strip % 7 == 2, single = strip % 7 == 4, empty = strip % 7 == 5;
      for (lc::extent_t place = 0; place < Pattern::places && !empty; ++place) {
        const bool chosen = lc::random_uniform(seed, strip, place) < share;
        if (full || (single ? place == strip * 5 % Pattern::places : chosen))
          numbers.push_back(static_cast<typename Pattern::number>(place));
      }
    }
  }
};

/// Rows that begin one element behind an aligned address, and end before one that stays as it is.
template <class Value, lc::extent_t Columns>
struct shifted_rows {
  std::vector<Value> data;
  lc::extent_t tokens;
  shifted_rows(std::uint64_t seed, lc::extent_t count) : data(count * Columns + 2), tokens(count) {
    std::uint64_t drawn = 0;
    for (Value& of : data) of = static_cast<Value>(lc::random_normal(seed, 5, drawn++));
  }
  lc::rows<Value, Columns> view() { return {data.data() + 1, tokens}; }
};

template <class Values>
void compare(const Values& found, const Values& expected, double scale) {
  REQUIRE(found.size() == expected.size());
  constexpr double tolerance = sizeof(found[0]) == 4 ? 1e-6 : 1e-14;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool number = !std::isnan(found[i]) && !std::isnan(expected[i]);
    const bool close = std::abs(double{found[i]} - double{expected[i]}) <= tolerance * scale;
    if (found[i] != expected[i] && (number ? !close : std::isnan(found[i]) != std::isnan(expected[i]))) ++wrong;
  }
  REQUIRE(wrong == 0);
}

/// All three operations, `tokens` tokens. With `wild`, one input and one adjoint are no numbers and another input is
/// infinite: they reach what they are multiplied with and nothing else, as in the reference.
template <class Backend, class Value, class Element, class Pattern>
void agree(const random_blocks<Element, Pattern>& of, lc::extent_t tokens, bool wild) {
  constexpr lc::extent_t inputs = Pattern::inputs, outputs = Pattern::outputs;
  const auto weight = of.view();
  using packed_type = typename lc::backend_traits<Backend>::template packed_blocks<Element, Pattern>;
  const auto packed = std::make_unique<packed_type>();
  if constexpr (!lc::same<packed_type, lc::nothing>) packed->pack(weight);
  shifted_rows<Value, inputs> x(21, tokens), dx(22, tokens);
  shifted_rows<Value, outputs> dy(23, tokens), y(24, tokens);
  if (wild)
    for (lc::extent_t t = 0; t < tokens; ++t) {
      x.view()(t, (t + 1) % inputs) = static_cast<Value>(none);
      x.view()(t, inputs / 2) = std::numeric_limits<Value>::infinity();
      dy.view()(t, (3 * t + 1) % outputs) = static_cast<Value>(none);
    }
  const auto in = lc::readable(x.view());
  const auto adjoint = lc::readable(dy.view());

  auto expected = y;
  lc::op::multiply_blocks(expected.view(), in, weight, lc::nothing{}, lc::reference{});
  auto found = y;
  const auto ran = lc::op::multiply_blocks(found.view(), in, weight, *packed, Backend{});
  static_assert(lc::same<typename decltype(ran)::backend, Backend>);
  compare(found.data, expected.data, inputs);
  found = y;  // and without what is derived
  lc::op::multiply_blocks(found.view(), in, weight, lc::nothing{}, Backend{});
  compare(found.data, expected.data, inputs);

  auto expected_dx = dx, found_dx = dx;
  lc::op::multiply_blocks_transposed(expected_dx.view(), adjoint, weight, lc::nothing{}, lc::reference{});
  const auto back = lc::op::multiply_blocks_transposed(found_dx.view(), adjoint, weight, *packed, Backend{});
  static_assert(lc::same<typename decltype(back)::backend, Backend>);
  compare(found_dx.data, expected_dx.data, outputs);

  std::vector<Value> expected_gradient(of.values.size());
  std::uint64_t drawn = 0;
  for (Value& each : expected_gradient) each = static_cast<Value>(lc::random_normal(25, 5, drawn++));
  auto found_gradient = expected_gradient;
  lc::op::accumulate_blocks(lc::block_matrix<Value, Pattern>(expected_gradient.data(), of.pattern()), adjoint, in,
                            lc::reference{});
  const auto sums = lc::op::accumulate_blocks(lc::block_matrix<Value, Pattern>(found_gradient.data(), of.pattern()),
                                              adjoint, in, Backend{});
  static_assert(lc::same<typename decltype(sums)::backend, Backend>);
  compare(found_gradient, expected_gradient, 10.0 + static_cast<double>(tokens));
}

/// A pattern, sparse and nearly full, for many numbers of tokens.
template <class Backend, class Element, class Pattern>
void agree_for_all_tokens() {
  using value = lc::compute_t<Element>;
  constexpr lc::extent_t lanes = lc::backend_traits<Backend>::lanes;
  for (const double share : {0.2, 0.9}) {
    const random_blocks<Element, Pattern> of(31, share);
    for (const lc::extent_t tokens : {lc::extent_t{0}, lc::extent_t{1}, lc::extent_t{2}, lc::extent_t{3},
                                      lc::extent_t{5}, lanes, 2 * lanes + 1, lc::extent_t{40}})
      agree<Backend, value>(of, tokens, false);
    agree<Backend, value>(of, 1, true);
    agree<Backend, value>(of, 2 * lanes + 3, true);
  }
}

/// Blocks anywhere, and groups, by their sizes.
template <lc::extent_t Outputs, lc::extent_t Inputs, lc::extent_t R, lc::extent_t C, class Number = std::uint16_t>
using anywhere = lc::free_blocks<Outputs, Inputs, R, C, (Outputs + R - 1) / R*((Inputs + C - 1) / C), Number>;

}  // namespace blocks_comparison
