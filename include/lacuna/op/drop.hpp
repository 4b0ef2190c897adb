#pragma once
/// Elements that are left out at random, the same ones for the same numbers.

#include <lacuna/core/random.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// Which elements are left out: all that a forward draws has one seed and stream, and each place in the model a number.
/// 1 of 65536 is the smallest step of the probability.
struct drop_key {
  std::uint64_t seed = 0, stream = 0, number = 0;
  std::uint32_t dropped = 0;  ///< of 65536

  /// What the elements that are left are multiplied by, so that means stay.
  LACUNA_HD constexpr double scale() const noexcept { return 65536.0 / (65536.0 - static_cast<double>(dropped)); }
};

/// What a forward that learns draws: each place that draws takes the next number.
struct random_draws {
  std::uint64_t seed = 0, stream = 0, next = 0;
};

namespace operation {

/// y = x where it is kept, times the scale; 0 elsewhere.
struct drop {
  static constexpr auto name = fixed_string("drop");
  template <class Y, class X>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const X&, const drop_key&) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};
template <class Value, extent_t Columns>
LACUNA_HD constexpr auto kernel(drop, rows<Value, Columns> y, rows<const Value, Columns> x, const drop_key& key,
                                const reference&) {
  const auto scale = static_cast<Value>(key.scale());
  constexpr extent_t at_once = 8;  // two of each random word
  const extent_t size = x.count * Columns;
  for (extent_t first = 0; first < size; first += at_once) {
    const random_block drawn = random_bits(key.seed, key.stream, (key.number << 32) + first / at_once);
    const extent_t count = size - first < at_once ? size - first : at_once;
    for (extent_t i = 0; i < count; ++i) {
      const std::uint32_t half = drawn.word[i / 2] >> (16 * (i % 2)) & 0xffffu;
      y.data[first + i] = half < key.dropped ? Value(0) : static_cast<Value>(x.data[first + i] * scale);
    }
  }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y = x / (1 - p) for the elements that are kept, 0 for the others: `(tokens, columns)`, each element by a draw of its
/// own from the key. y may be x. The derivative is the same with adjoints in the place of x. O(tokens * columns).
template <class Value, extent_t Columns, class Input, class Backend>
LACUNA_HD constexpr auto drop(rows<Value, Columns> y, rows<Input, Columns> x, const drop_key& key,
                              const Backend& backend) {
  return run_kernel(operation::drop{}, backend, y, readable(x), key);
}

}  // namespace op

LACUNA_END
