#pragma once
/// Rows of a table by token, and the scatter that is its backward.

#include <lacuna/op/multiply.hpp>

LACUNA_BEGIN

/// The number of no token: before the first one, a target that does not count, a generation that nothing stops.
inline constexpr std::uint32_t no_token = ~std::uint32_t{0};

/// A view of token numbers.
struct token_view {
  const std::uint32_t* data = nullptr;
  extent_t count = 0;
};

namespace operation {

/// y(t) = table(token(t)).
struct embed {
  static constexpr auto name = fixed_string("embed");
  template <class Y, class Table>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Y&, const Table&, const token_view&) noexcept {
    return 0;
  }
};
template <class Value, class Element, extent_t Vocabulary, extent_t Columns>
LACUNA_HD constexpr auto kernel(embed, rows<Value, Columns> y, matrix<const Element, Vocabulary, Columns> table,
                                token_view tokens, const reference&) {
  for (extent_t t = 0; t < tokens.count; ++t)
    for (extent_t c = 0; c < Columns; ++c) y(t, c) = static_cast<Value>(widen(table.row(tokens.data[t])[c]));
  return ran_on<reference>{};
}

/// gradient(token(t)) += dy(t).
struct embed_backward {
  static constexpr auto name = fixed_string("embed_backward");
  template <class Gradient, class Y>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Gradient&, const Y&, const token_view&) noexcept {
    return 0;
  }
};
template <class Value, class Input, extent_t Vocabulary, extent_t Columns>
LACUNA_HD constexpr auto kernel(embed_backward, matrix<Value, Vocabulary, Columns> gradient,
                                rows<const Input, Columns> dy, token_view tokens, const reference&) {
  for (extent_t t = 0; t < tokens.count; ++t)
    for (extent_t c = 0; c < Columns; ++c) gradient.row(tokens.data[t])[c] += static_cast<Value>(dy(t, c));
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y(t) = table(token(t)): `(tokens) x (vocabulary, width) -> (tokens, width)`. Tokens are in range: models check.
template <class Value, class Element, extent_t Vocabulary, extent_t Columns, class Backend>
LACUNA_HD constexpr auto embed(rows<Value, Columns> y, const tensor<Element, Vocabulary, Columns>& table,
                               token_view tokens, const Backend& backend) {
  return run_kernel(operation::embed{}, backend, y, as_matrix(table), tokens);
}

/// gradient(token(t)) += dy(t).
template <class Value, class Input, extent_t Vocabulary, extent_t Columns, class Backend>
LACUNA_HD constexpr auto embed_backward(tensor<Value, Vocabulary, Columns>& gradient, rows<Input, Columns> dy,
                                        token_view tokens, const Backend& backend) {
  return run_kernel(operation::embed_backward{}, backend, matrix<Value, Vocabulary, Columns>(gradient.data),
                    readable(dy), tokens);
}

}  // namespace op

LACUNA_END
