#pragma once
/// Boolean functions in context: labelled points as tokens, of a function that changes with every example.

#include <lacuna/task/boolean_families.hpp>
#include <lacuna/task/example.hpp>

LACUNA_BEGIN

namespace task {

/// How a point becomes tokens.
enum class point_form : std::uint8_t {
  one_token,   ///< one of 2^bits ids: bit i of the id is variable i
  bit_tokens,  ///< one token a variable, the first variable first
};

/// Variables of the functions, points of an example, and how points are written.
struct boolean_sizes {
  extent_t bits = 8;
  extent_t points = 20;
  point_form form = point_form::one_token;

  constexpr bool fit() const noexcept {
    return bits > 0 && points > 0 && (form == point_form::bit_tokens || bits <= 16);
  }
};

}  // namespace task

namespace rules {
template <bool Fit>
struct boolean_sizes_fit {
  static_assert(
      Fit,
      "lacuna::task::boolean_functions: the points do not become tokens (choose points > 0 and 1 to 16 bits, or "
      "point_form::bit_tokens)");
};
}  // namespace rules

namespace task {

/// `x1 y1 x2 y2 ... xk`: the target behind point i is its label y_i, and those targets count. The labels are two tokens
/// of their own behind the points' ids, `negative` and `positive`.
///
/// In the paper a point is one position, a vector in {-1, 1}^bits that a learned linear map brings to the model's
/// width. With `point_form::one_token` an example has the same positions (2 k - 1), and the row of the embedding takes
/// that vector's place: a table can be any function of the bits, linear ones among them, but learns each of the 2^bits
/// rows by itself; the default, for the sizes that tiny models learn. With `bit_tokens` the vocabulary is 4 and any
/// number of bits fits, but an example has k (bits + 1) - 1 positions and a model has to find out which bit is which
/// from where it stands. A model that takes vectors reads `points` in place of tokens.
///
/// Report accuracy against the number of the point: `position_of(i)` is where its label is predicted.
/// Source: Bhattamishra et al. (2023), arXiv 2310.03016.
template <BooleanFamily Family, boolean_sizes Sizes = boolean_sizes{}>
struct boolean_functions {
  static_assert(__is_base_of(nothing, rules::boolean_sizes_fit<Sizes.fit()>) || true);
  static constexpr boolean_sizes sizes = Sizes.fit() ? Sizes : boolean_sizes{};
  static constexpr bool one_token = sizes.form == point_form::one_token;
  static constexpr extent_t tokens_per_point = one_token ? 1 : sizes.bits;
  static constexpr extent_t values = one_token ? extent_t{1} << sizes.bits : 2;
  static constexpr extent_t vocabulary = values + 2;
  static constexpr extent_t length = sizes.points * (tokens_per_point + 1) - 1;
  static constexpr std::uint32_t negative = static_cast<std::uint32_t>(values);
  static constexpr std::uint32_t positive = negative + 1;
  using points_type = labelled_points<sizes.bits, sizes.points>;

  /// Where the label of a point is predicted.
  static constexpr extent_t position_of(extent_t point) noexcept {
    return point * (tokens_per_point + 1) + tokens_per_point - 1;
  }

  static constexpr void sample(std::uint64_t seed, std::uint64_t number, token_example<length>& into) noexcept {
    points_type drawn;
    points(seed, number, drawn);
    into = {};
    for (extent_t i = 0; i < sizes.points; ++i) {
      const extent_t last = position_of(i);
      std::uint32_t* const tokens = into.tokens + last + 1 - tokens_per_point;
      for (extent_t b = 0; b < sizes.bits; ++b) {
        const std::uint32_t bit = drawn.points[i][b] > 0 ? 1 : 0;
        if constexpr (one_token)
          tokens[0] |= bit << b;
        else
          tokens[b] = bit;
      }
      const std::uint32_t label = drawn.labels[i] > 0 ? positive : negative;
      if (last + 1 < length) into.tokens[last + 1] = label;
      into.targets[last] = label;
      into.counts[last] = 1;
    }
  }
  /// The same example as vectors and signs.
  static constexpr void points(std::uint64_t seed, std::uint64_t number, points_type& into) noexcept {
    random_numbers random(seed, number);
    fill_points<Family>(random, into);
  }
};

}  // namespace task

LACUNA_END
