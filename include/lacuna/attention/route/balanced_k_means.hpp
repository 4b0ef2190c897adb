#pragma once
/// Clusters that take equally many tokens: a token may be in several, or in none.

#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/schedule/clustered.hpp>

LACUNA_BEGIN

/// Tokens per cluster: `balanced_k_means<16, members{64}>`.
struct members {
  extent_t count = 0;
  constexpr explicit members(extent_t of) : count(of) {}
  constexpr bool operator==(const members&) const = default;
};
/// What is added to the number of clusters before it divides the sum of a token's outputs: 0, or 0.01 in the release.
struct count_offset {
  float value = 0;
  constexpr explicit count_offset(float of = 0) : value(of) {}
  constexpr bool operator==(const count_offset&) const = default;
};

namespace rules {
template <bool Fine>
struct clusters_take_some {
  static_assert(Fine,
                "lacuna::balanced_k_means: no clusters, no members, or an offset below 0 (write balanced_k_means<16, "
                "members{64}>)");
};
template <bool Fine>
struct clusters_see_a_prefix {
  static_assert(Fine,
                "lacuna::balanced_k_means: within a cluster other routes than causal and full are not offered (choose "
                "one of them, or k_means with this route)");
};
}  // namespace rules

/// Each centroid takes the `Members` tokens whose queries have the largest products with it (all where there are no
/// more), the earlier of equal ones, first those whose product is no number, so that it shows. Its members see each
/// other, or under `causal` the earlier ones and themselves; the output of a token is the mean of its outputs over the
/// clusters that hold it, 0 where none does. Per head. Meant for `shared_query_key<shared_form::normalised>` with
/// `plain_dot`; with separate projections a token's query decides for its key, too.
///
/// tokens * clusters * head_width multiply-adds to choose, and clusters * members^2 pairs (half under `causal`): about
/// tokens^(3/2) for clusters = members = the root of tokens. The choice has no gradient, and neither have centroids:
/// `update_centroids` moves them. Members compete over the whole stream, so that it is taken whole, and under `causal`,
/// too, later tokens change what earlier ones see: not for generation (`k_means` is), and a decoder asks for
/// `allow_selection_leak`.
/// Source: Roy et al. (2020), arXiv 2003.05997, section 4.1, and the released code, which divides by the number of
/// clusters plus 0.01: `count_offset{0.01f}`.
template <extent_t Clusters, members Members, class Candidates = causal, count_offset Offset = count_offset{},
          centroid_seed Seed = centroid_seed{}>
struct balanced_k_means {
  static_assert(__is_base_of(nothing,
                             rules::clusters_take_some<(Clusters > 0 && Members.count > 0 && Offset.value >= 0)>) ||
                true);
  static constexpr bool is_prefix = same<Candidates, causal> || same<Candidates, full>;
  static_assert(__is_base_of(nothing, rules::clusters_see_a_prefix<is_prefix>) || true);
  using slot = slots::route;
  using candidates = std::conditional_t<is_prefix, Candidates, causal>;
  static constexpr auto name = fixed_string("balanced_k_means<") + decimal<Clusters>() + ", members{" +
                               decimal<Members.count>() + "}, " + candidates::name + ">";
  static constexpr extent_t clusters = Clusters == 0 ? 1 : Clusters;
  static constexpr extent_t kept = Members.count == 0 ? 1 : Members.count;
  static constexpr float offset = Offset.value;
  static constexpr bool sees_ahead = true;
  static constexpr bool depends_on_length = true;
  static constexpr bool selection_leaks = same<Candidates, causal>;

  LACUNA_HD static constexpr std::uint64_t products(extent_t, extent_t tokens, extent_t) {
    return std::uint64_t{tokens} * clusters;
  }
  template <class Shape, class Parts>
  using schedule = clustered<Shape, Parts>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    draw_centroids(parameters.centroids, Seed);
  }
};

LACUNA_END
