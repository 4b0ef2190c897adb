#pragma once
// Columns convolved over the rows: a backend against the reference, forward and backward, all but the list of cases.

#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <vector>

namespace convolution_tests {
namespace lc = lacuna;

template <class Backend, class Value, lc::extent_t Columns, lc::extent_t Kernel>
struct comparison {
  static constexpr double tolerance = lc::same<Value, double> ? 1e-12 : 1e-5;
  std::uint64_t drawn = 0;
  std::vector<Value> draw(std::size_t count) {
    std::vector<Value> all(count);
    for (Value& of : all) of = static_cast<Value>(lc::random_normal(59, Columns, drawn++));
    return all;
  }
  /// All that is written, for rows that no vector is aligned to; what is around them as well.
  template <class OtherBackend>
  std::vector<Value> run(lc::extent_t count, const OtherBackend& backend) {
    drawn = 0;
    lc::tensor<Value, Columns, Kernel> weight, gradient;
    const auto taps = draw(2 * weight.size);
    std::copy_n(taps.begin(), weight.size, weight.data);
    std::copy_n(taps.begin() + weight.size, weight.size, gradient.data);
    auto x = draw(count * Columns + 2), dy = draw(count * Columns + 2), y = draw(count * Columns + 2),
         dx = draw(count * Columns + 2);
    const auto rows = [&](std::vector<Value>& of) { return lc::rows<Value, Columns>(of.data() + 1, count); };
    const auto ran = lc::op::convolve_rows(rows(y), rows(x), weight, backend);
    const auto ran_back = lc::op::convolve_rows_backward(rows(dx), gradient, rows(dy), rows(x), weight, backend);
    static_assert(lc::same<decltype(ran), const lc::ran_on<OtherBackend>>);
    static_assert(lc::same<decltype(ran_back), const lc::ran_on<OtherBackend>>);
    y.insert(y.end(), dx.begin(), dx.end());
    y.insert(y.end(), gradient.data, gradient.data + gradient.size);
    return y;
  }
  void check() {
    for (lc::extent_t count = 0; count <= 20; ++count) {
      const auto expected = run(count, lc::reference{}), found = run(count, Backend{});
      double apart = 0;
      for (std::size_t i = 0; i < expected.size(); ++i)
        apart = worse(apart, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])) /
                                 (1 + std::abs(static_cast<double>(expected[i]))));
      REQUIRE(apart < tolerance);
      for (const std::size_t edge : {std::size_t{0}, count * Columns + 1, count * Columns + 2, 2 * count * Columns + 3})
        REQUIRE(found[edge] == expected[edge]);
    }
  }
};

/// Widths from 1 to some more than two registers, and wide ones.
template <class Backend, class Value, lc::extent_t Kernel>
void compare() {
  constexpr lc::extent_t lanes = lc::backend_traits<Backend>::lanes;
  []<std::size_t... Width>(std::index_sequence<Width...>) {
    (comparison<Backend, Value, Width + 1, Kernel>().check(), ...);
  }(std::make_index_sequence<2 * lanes + 1>{});
  comparison<Backend, Value, 4 * lanes, Kernel>().check();
  comparison<Backend, Value, 11 * lanes + 3, Kernel>().check();
}

}  // namespace convolution_tests
