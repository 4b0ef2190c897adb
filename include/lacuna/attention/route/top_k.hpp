#pragma once
/// Every row sees the keys that it scores highest.

#include <lacuna/attention/plan/best_keys.hpp>
#include <lacuna/attention/plan/selected.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Count>
struct top_k_keeps_some {
  static_assert(Count > 0, "lacuna::top_k: no key is kept (choose top_k<N, causal> with N > 0)");
};
}  // namespace rules

/// Of the keys that `Candidates` shows, the `Count` with the highest scores; the earlier of equal ones, exactly `Count`
/// where there are as many. Per head. A row's choice depends on nothing behind it if `Candidates` does not. Scores all
/// candidates: pairs * head_width multiply-adds, and O(Count^2) per row to bring the kept ones into order. A score that
/// is no number is kept first, so that it shows in the row. The choice has no gradient. Source: Gupta et al. (2021),
/// arXiv 2106.06899, section 3 (top-k attention).
template <extent_t Count, class Candidates = causal>
struct top_k {
  static_assert(__is_base_of(nothing, rules::top_k_keeps_some<Count>) || true);
  using slot = slots::route;
  using candidates = combined_route<Candidates>;
  static constexpr auto name = fixed_string("top_k<") + decimal<Count>() + ", " + candidates::name + ">";
  static constexpr extent_t kept = Count == 0 ? 1 : Count;
  static constexpr bool sees_ahead = route_sees_ahead<candidates>;
  static constexpr bool asks_scores = true;

  static constexpr extent_t most(extent_t context) { return kept < context ? kept : context; }
  static constexpr extent_t most_keys(extent_t context) { return most(context); }
  static constexpr std::uint64_t pairs(extent_t first, extent_t tokens, extent_t keys, extent_t) {
    std::uint64_t total = 0;
    for (extent_t query = first; query < first + tokens; ++query) {
      const std::uint64_t seen = lacuna::pairs<candidates>(query, 1, keys);
      total += seen < kept ? seen : kept;
    }
    return total;
  }
  LACUNA_HD static constexpr std::uint64_t products(extent_t first, extent_t tokens, extent_t keys) {
    return lacuna::pairs<candidates>(first, tokens, keys);
  }

  template <class Value, extent_t Tokens, class Shape>
  using workspace = best_keys<Value, most(Shape::context)>;
  template <class Workspace, class Input>
  LACUNA_HD static constexpr void start(Workspace&, const Input&) {}

  template <class Workspace, class Input, extent_t Most>
  LACUNA_HD static constexpr void row(Workspace& best, const Input& input, extent_t t, spans<Most>& to) {
    const auto visible = candidates::spans(input.first + t, input.keys());
    best.count = 0;
    for (extent_t s = 0; s < visible.count; ++s)
      for (extent_t key = visible.items[s].begin; key < visible.items[s].end && key < input.keys(); ++key)
        best.offer(input.score(t, key), key);
    best.sort_by_key();
    for (extent_t i = 0; i < best.count; ++i) to.add(best.keys[i], best.keys[i] + 1);
  }
};

LACUNA_END
