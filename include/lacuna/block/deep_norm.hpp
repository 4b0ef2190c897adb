#pragma once
/// The norm on a sum whose stream weighs more than what is added.

#include <lacuna/block/post_norm.hpp>
#include <lacuna/core/maths.hpp>

LACUNA_BEGIN

/// How much the stream weighs in the sum of a `deep_norm` block: `residual_scale<deep_alpha{1.7f}>`, or of a depth.
struct deep_alpha {
  float value;
  constexpr explicit deep_alpha(float of) : value(of) {}
  constexpr bool operator==(const deep_alpha&) const = default;
  /// (2 layers)^(1/4), for a decoder of that many blocks with two sublayers each.
  static constexpr deep_alpha of_layers(extent_t layers) {
    return deep_alpha(static_cast<float>(maths::sqrt(maths::sqrt(2.0 * static_cast<double>(layers)))));
  }
  /// Whether the sum still holds the stream.
  constexpr bool fine() const noexcept { return value > 0 && maths::is_finite(value); }
};
/// (8 layers)^(-1/4): the paper's factor on the initial feed-forward, value and output weights of such a decoder.
constexpr float deep_beta(extent_t layers) {
  return static_cast<float>(1 / maths::sqrt(maths::sqrt(8.0 * static_cast<double>(layers))));
}

template <deep_alpha Alpha>
struct residual_scale;

namespace slots {
/// `residual_scale<deep_alpha::of_layers(12)>`.
struct residual_scale {
  using stand_in = lacuna::residual_scale<deep_alpha(1)>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::deep_norm: the weight of the stream is missing (add "
                  "lacuna::residual_scale<deep_alpha::of_layers(N)> for N blocks)");
  };
};
}  // namespace slots

namespace rules {
template <bool Fine>
struct residual_scale_is_above_zero {
  static_assert(
      Fine, "lacuna::residual_scale: alpha is not a number above 0 (write residual_scale<deep_alpha::of_layers(N)>)");
};
}  // namespace rules

/// The factor on the stream in a residual sum.
template <deep_alpha Alpha>
struct residual_scale {
  using slot = slots::residual_scale;
  static constexpr deep_alpha value = Alpha;
  static constexpr auto name = fixed_string("residual_scale");
};

namespace recipe_name {
struct deep_norm;
}

/// The slots of a deep-norm block.
using deep_norm_fields = fields<field<slots::norm, must>, field<slots::residual_scale, must>, many<slots::sublayer>>;

namespace detail {

template <class Norm, class Scale>
struct sum_of_scaled {
  using norm = Norm;
  static constexpr float scale = Scale::value.value;
};

}  // namespace detail

/// `deep_norm<layer_norm<>, residual_scale<deep_alpha::of_layers(12)>, attention<...>, ffn<...>>`:
/// y = norm(alpha x + f(x)) for each sublayer f in turn, `(tokens, width) -> (tokens, width)`; alpha = 1 is
/// `post_norm`. Paths: `attention_norm`, `attention`, `ffn_norm`, `ffn`. Source: Wang et al. (2022), arXiv 2203.00555,
/// figure 2; weights are to start smaller by `deep_beta(layers)`.
template <class... Policies>
struct deep_norm : detail::residual_block<recipe_name::deep_norm, deep_norm_fields, Policies...> {
  template <class... New>
  using rebuild = deep_norm<New...>;
  /// The last block's output is normalised already.
  using closing_norm = no_norm;
  using scale = typename deep_norm::base::template get<slots::residual_scale>;
  static_assert(__is_base_of(nothing, rules::residual_scale_is_above_zero<scale::value.fine()>) || true);
  template <class At>
  using bound =
      typename deep_norm::template steps<At, detail::post_step, detail::sum_of_scaled<typename deep_norm::norm, scale>>;
};

LACUNA_END
