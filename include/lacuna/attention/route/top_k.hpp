#pragma once
/// Every row sees the keys that it scores highest.

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
/// candidates: pairs * head_width multiply-adds, and O(Count^2) per row to bring the kept ones into order. The choice
/// has no gradient. Source: Gupta et al. (2021), arXiv 2106.06899, section 3 (top-k attention).
template <extent_t Count, class Candidates = causal>
struct top_k {
  static_assert(__is_base_of(nothing, rules::top_k_keeps_some<Count>) || true);
  using slot = slots::route;
  using candidates = combined_route<Candidates>;
  static constexpr auto name = fixed_string("top_k<") + decimal<Count>() + ", " + candidates::name + ">";
  static constexpr extent_t kept = Count == 0 ? 1 : Count;
  static constexpr bool sees_ahead = route_sees_ahead<candidates>;

  static constexpr extent_t most(extent_t context) { return kept < context ? kept : context; }
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

  /// A heap of the best so far, the worst of them on top.
  template <class Value, extent_t Tokens, class Shape>
  struct workspace {
    Value scores[most(Shape::context)]{};
    extent_t keys[most(Shape::context)]{};
  };
  template <class Workspace, class Input>
  LACUNA_HD static constexpr void start(Workspace&, const Input&) {}

  template <class Workspace, class Input, extent_t Most>
  LACUNA_HD static constexpr void row(Workspace& work, const Input& input, extent_t t, spans<Most>& to) {
    const auto visible = candidates::spans(input.first + t, input.keys());
    extent_t count = 0;
    for (extent_t s = 0; s < visible.count; ++s)
      for (extent_t key = visible.items[s].begin; key < visible.items[s].end && key < input.keys(); ++key) {
        const auto scored = input.score(t, key);
        // What is no number is kept first, so that it shows.
        const auto score = maths::is_nan(scored) ? maths::infinity<std::remove_const_t<decltype(scored)>>() : scored;
        if (count < Most && count < kept) {
          extent_t at = count++;
          for (; at > 0 && worse(score, key, work, (at - 1) / 2); at = (at - 1) / 2)
            work.scores[at] = work.scores[(at - 1) / 2], work.keys[at] = work.keys[(at - 1) / 2];
          work.scores[at] = score, work.keys[at] = key;
        } else if (score > work.scores[0]) {
          sink(work, 0, count, score, key);
        }
      }
    // By position: take the heap apart into ascending keys.
    for (extent_t i = 1; i < count; ++i) {
      const extent_t key = work.keys[i];
      extent_t at = i;
      for (; at > 0 && work.keys[at - 1] > key; --at) work.keys[at] = work.keys[at - 1];
      work.keys[at] = key;
    }
    for (extent_t i = 0; i < count; ++i) to.add(work.keys[i], work.keys[i] + 1);
  }

 private:
  /// Lower, or equal and later.
  template <class Value, class Workspace>
  LACUNA_HD static constexpr bool worse(Value score, extent_t key, const Workspace& work, extent_t at) {
    return score < work.scores[at] || (score == work.scores[at] && key > work.keys[at]);
  }
  template <class Workspace, class Value>
  LACUNA_HD static constexpr void sink(Workspace& work, extent_t at, extent_t count, Value score, extent_t key) {
    for (;;) {
      extent_t child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && worse(work.scores[child + 1], work.keys[child + 1], work, child)) ++child;
      if (!worse(work.scores[child], work.keys[child], score, key)) break;
      work.scores[at] = work.scores[child], work.keys[at] = work.keys[child];
      at = child;
    }
    work.scores[at] = score, work.keys[at] = key;
  }
  template <class Value>
  LACUNA_HD static constexpr bool worse(Value score, extent_t key, Value than, extent_t than_key) {
    return score < than || (score == than && key > than_key);
  }
};

LACUNA_END
