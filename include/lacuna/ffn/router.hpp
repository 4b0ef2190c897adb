#pragma once
/// The axes of a mixture's router: how many experts, how many of them for a token, their gates and their capacity.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct experts;
template <extent_t Count>
struct experts_per_token;
struct raw_gates;
struct unlimited_capacity;

namespace slots {
/// `experts<8>`.
struct experts {
  using stand_in = lacuna::experts<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::mixture: the number of experts is missing (add lacuna::experts<N>, often 8)");
  };
};
/// `experts_per_token<2>`.
struct experts_per_token {
  using stand_in = lacuna::experts_per_token<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::mixture: the number of experts for each token is missing (add "
                  "lacuna::experts_per_token<1> or <2>)");
  };
};
/// `raw_gates` or `renormalised_gates`.
struct gates {
  using stand_in = raw_gates;
};
/// `unlimited_capacity` or `capacity<factor{1.25f}>`.
struct capacity {
  using stand_in = unlimited_capacity;
};
}  // namespace slots

/// How many experts there are.
template <extent_t Count>
struct experts {
  using slot = slots::experts;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("experts<") + decimal<Count>() + ">";
};

/// How many experts compute each token: those of the largest router scores.
template <extent_t Count>
struct experts_per_token {
  using slot = slots::experts_per_token;
  static constexpr extent_t value = Count;
  static constexpr auto name = fixed_string("experts_per_token<") + decimal<Count>() + ">";
};

/// A chosen expert's output is multiplied by its probability among all experts. Source: Fedus, Zoph and Shazeer (2021),
/// "Switch transformers", arXiv 2101.03961, eq. (2).
struct raw_gates {
  using slot = slots::gates;
  static constexpr auto name = fixed_string("raw_gates");
  static constexpr bool renormalised = false;
};
/// The probabilities of the chosen experts are divided by their sum: a softmax over these experts alone. Source:
/// Shazeer et al. (2017), arXiv 1701.06538, eq. (3) and (5), without noise; Jiang et al. (2024), "Mixtral of experts",
/// arXiv 2401.04088, section 2.1.
struct renormalised_gates {
  using slot = slots::gates;
  static constexpr auto name = fixed_string("renormalised_gates");
  static constexpr bool renormalised = true;
};

/// An expert takes all tokens that chose it, so that a token's output depends on that token alone.
struct unlimited_capacity {
  using slot = slots::capacity;
  static constexpr auto name = fixed_string("unlimited_capacity");
  static constexpr bool fine = true;
  LACUNA_HD static constexpr extent_t rows(extent_t tokens, extent_t, extent_t) { return tokens; }
};

/// A multiple of the even share of tokens: `capacity<factor{1.25f}>`.
struct factor {
  float value = 1;
  constexpr factor() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit factor(float of) : value(of) {}
  constexpr bool operator==(const factor&) const = default;
};

/// An expert takes at most ceil(Factor tokens experts_per_token / experts) tokens of a pass, computed in f32; what
/// comes later passes by with output 0. First choices go before second ones, tokens in their order.
///
/// Which tokens find room depends on all tokens of the pass, later ones too (a model takes `chunk` tokens per pass, all
/// of them where it trains): a stream that is cut otherwise, or decoded token by token, gives other outputs. Source:
/// Fedus, Zoph and Shazeer (2021), arXiv 2101.03961, eq. (3).
template <factor Factor>
struct capacity {
  using slot = slots::capacity;
  static constexpr auto name = fixed_string("capacity");
  static constexpr bool fine = Factor.value > 0;
  LACUNA_HD static constexpr extent_t rows(extent_t tokens, extent_t chosen, extent_t experts) {
    const float share = Factor.value * static_cast<float>(tokens * chosen) / static_cast<float>(experts);
    if (!(share < static_cast<float>(tokens))) return tokens;
    const auto whole = static_cast<extent_t>(share);
    return static_cast<float>(whole) < share ? whole + 1 : whole;
  }
};

namespace rules {
template <bool Fine>
struct capacity_is_positive {
  static_assert(Fine, "lacuna::capacity: its factor is not above 0 (1 is the even share, 1.25 leaves some room)");
};
template <bool Fine>
struct mixture_sizes_are_not_zero {
  static_assert(Fine, "lacuna::mixture: experts or experts_per_token is 0 (give each at least 1)");
};
template <bool Fine>
struct there_are_experts_enough {
  static_assert(Fine,
                "lacuna::mixture: a token asks for more experts than there are (lower experts_per_token, or add "
                "experts)");
};
template <bool Fine>
struct router_has_a_gradient {
  static_assert(Fine,
                "lacuna::mixture: the renormalised gate of a single expert is always 1 and teaches the router nothing "
                "(use raw_gates, or two experts per token)");
};
}  // namespace rules

LACUNA_END
