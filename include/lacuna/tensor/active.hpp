#pragma once
/// Which columns of each row count: ascending lists of column numbers, one list per token; and the form of a weight
/// that such a list reads row by row.

#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// What makes a value active. NaN is active, so that it is not lost.
namespace active {

/// x > bound.
template <class Value>
struct above {
  Value bound;
  LACUNA_HD constexpr bool operator()(Value x) const noexcept { return !(x <= bound); }
};
/// |x| > bound; with bound 0: x is not zero.
template <class Value>
struct magnitude_above {
  Value bound;
  LACUNA_HD constexpr bool operator()(Value x) const noexcept { return !((x < 0 ? -x : x) <= bound); }
};

}  // namespace active

/// A view of one list per token: ascending, distinct numbers below `Columns`.
template <class Number, extent_t Columns>
struct active_view {
  static constexpr extent_t columns = Columns;

  Number* numbers = nullptr;  ///< `(tokens, columns)`; of row t the first `sizes[t]` are the list
  Number* sizes = nullptr;    ///< `(tokens)`
  extent_t count = 0;

  constexpr active_view() = default;
  LACUNA_HD constexpr active_view(Number* of, Number* how_many, extent_t tokens) noexcept
      : numbers(of), sizes(how_many), count(tokens) {}
  /// A writable view reads as a constant one.
  template <class Other>
    requires(same<const Other, Number> && !same<Other, Number>)
  LACUNA_HD constexpr active_view(const active_view<Other, Columns>& from) noexcept
      : numbers(from.numbers), sizes(from.sizes), count(from.count) {}

  LACUNA_HD constexpr Number* list(extent_t token) const noexcept { return numbers + token * Columns; }
  LACUNA_HD constexpr Number& size(extent_t token) const noexcept { return sizes[token]; }
  /// Entries of all lists together.
  LACUNA_HD constexpr std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (extent_t t = 0; t < count; ++t) sum += sizes[t];
    return sum;
  }
};

/// The same view, constant.
template <class Number, extent_t Columns>
LACUNA_HD constexpr active_view<const Number, Columns> readable(const active_view<Number, Columns>& from) noexcept {
  return {from.numbers, from.sizes, from.count};
}

/// Room for the lists of `Tokens` tokens. Empty lists at first.
template <extent_t Tokens, extent_t Columns>
struct active_lists {
  tensor<std::uint32_t, Tokens, Columns> numbers;
  tensor<std::uint32_t, Tokens> sizes;

  LACUNA_HD constexpr auto first(extent_t tokens) noexcept {
    return active_view<std::uint32_t, Columns>(numbers.data, sizes.data, tokens);
  }
  LACUNA_HD constexpr auto first(extent_t tokens) const noexcept {
    return active_view<const std::uint32_t, Columns>(numbers.data, sizes.data, tokens);
  }
};

/// A weight `(outputs, inputs)` with the entries of one input side by side, so that inputs outside a list cost nothing.
/// Derived from the weight by `pack`; never stored in files. As many bytes as the weight.
template <class Element, extent_t Outputs, extent_t Inputs>
struct input_major {
  tensor<Element, Inputs, Outputs> turned;

  LACUNA_HD constexpr void pack(const tensor<Element, Outputs, Inputs>& weight) noexcept {
    // In squares, so that neither side is read or written across the whole weight at once.
    constexpr extent_t square = 16;
    for (extent_t output = 0; output < Outputs; output += square)
      for (extent_t input = 0; input < Inputs; input += square)
        for (extent_t i = input; i < Inputs && i < input + square; ++i)
          for (extent_t o = output; o < Outputs && o < output + square; ++o)
            turned[i * Outputs + o] = weight[o * Inputs + i];
  }
};

LACUNA_END
