#pragma once
/// Regions of the stream choose regions; tokens see the tokens of those.

#include <lacuna/attention/plan/best_keys.hpp>
#include <lacuna/attention/plan/selected.hpp>

LACUNA_BEGIN

/// How many regions a region sees: `bi_level<7, kept_regions{4}>`.
struct kept_regions {
  extent_t count = 4;
  constexpr explicit kept_regions(extent_t of = 4) : count(of) {}
  constexpr bool operator==(const kept_regions&) const = default;
};

namespace rules {
template <bool Fine>
struct regions_are_some {
  static_assert(Fine, "lacuna::bi_level: no regions, or none kept (write bi_level<7, kept_regions{4}>)");
};
template <bool Fine>
struct regions_compare_all_heads {
  static_assert(
      Fine,
      "lacuna::bi_level: there are fewer key heads than heads, and regions are compared over all of them (leave "
      "kv_heads out)");
};
template <bool Fine>
struct regions_divide_the_context {
  static_assert(Fine,
                "lacuna::bi_level: the regions do not divide the context (choose a number that does, so that they are "
                "equally long)");
};
}  // namespace rules

/// The context is cut into `Regions` of equal length. Each region sees the `Kept` whose mean key has the largest
/// product with its mean query, over all heads at once, the earlier of equal ones, and first those whose product is no
/// number, so that it shows; its rows see all tokens of those. O(tokens * width + Regions^2 * width) to choose. The
/// choice has no gradient. Rows see ahead: the stream is taken whole. Source: Zhu et al. (2023), BiFormer, arXiv
/// 2303.08810, section 3.2, here in one dimension; scores are `dot_by_width` in the released code, and
/// `local_enhancement` stands beside them.
template <extent_t Regions, kept_regions Kept = kept_regions{}>
struct bi_level {
  static_assert(__is_base_of(nothing, rules::regions_are_some<(Regions > 0 && Kept.count > 0)>) || true);
  using slot = slots::route;
  static constexpr auto name =
      fixed_string("bi_level<") + decimal<Regions>() + ", kept_regions{" + decimal<Kept.count>() + "}>";
  static constexpr extent_t regions = Regions == 0 ? 1 : Regions;
  static constexpr extent_t kept = Kept.count == 0 ? 1 : Kept.count < regions ? Kept.count : regions;
  static constexpr bool sees_ahead = true;

  static constexpr extent_t most(extent_t) { return kept; }
  static constexpr bool once_for_all_heads = true;
  /// At most: a last region in part may be among the chosen.
  static constexpr std::uint64_t pairs(extent_t, extent_t tokens, extent_t keys, extent_t context) {
    const extent_t size = context < regions ? 1 : context / regions;
    return std::uint64_t{tokens} * (kept * size < keys ? kept * size : keys);
  }
  LACUNA_HD static constexpr std::uint64_t products(extent_t, extent_t, extent_t) {
    return std::uint64_t{regions} * regions;
  }

  template <class Shape>
  struct checks {
    static_assert(__is_base_of(nothing, rules::regions_divide_the_context<Shape::context % regions == 0>) || true);
    static_assert(__is_base_of(nothing, rules::regions_compare_all_heads<Shape::heads == Shape::kv_heads>) || true);
  };
  template <class Value, extent_t Tokens, class Shape>
  struct workspace {
    static constexpr extent_t size = Shape::context < regions ? 1 : Shape::context / regions;
    static constexpr extent_t columns = Shape::query_width;
    Value mean_query[regions * columns]{};
    Value mean_key[regions * columns]{};
    extent_t chosen[regions][kept]{};
    extent_t count = 0;  ///< of the chosen, fewer where the stream is short
    best_keys<Value, kept> best;
  };

  template <class Workspace, class Input>
  LACUNA_HD static constexpr void start(Workspace& work, const Input& input) {
    constexpr extent_t size = Workspace::size;
    const extent_t keys = input.keys(), present = (keys + size - 1) / size;
    const extent_t count = kept < present ? kept : present;
    work.count = count;
    if (count == 0) return;
    form_means(work, input, present);
    for (extent_t own = 0; own < present; ++own) {
      work.best.count = 0;
      for (extent_t other = 0; other < present; ++other) {
        typename Input::value score = 0;
        for (extent_t c = 0; c < Workspace::columns; ++c)
          score += work.mean_query[own * Workspace::columns + c] * work.mean_key[other * Workspace::columns + c];
        work.best.offer(score, other);
      }
      work.best.sort_by_key();
      for (extent_t i = 0; i < count; ++i) work.chosen[own][i] = work.best.keys[i];
    }
  }
  template <class Workspace, class Input, extent_t Most>
  LACUNA_HD static constexpr void row(Workspace& work, const Input& input, extent_t t, spans<Most>& to) {
    constexpr extent_t size = Workspace::size;
    const extent_t own = (input.first + t) / size, keys = input.keys();
    for (extent_t i = 0; i < work.count; ++i) {
      const extent_t begin = work.chosen[own][i] * size, end = begin + size;
      to.add(begin, end < keys ? end : keys);
    }
  }

 private:
  template <class Workspace, class Input>
  LACUNA_HD static constexpr void form_means(Workspace& work, const Input& input, extent_t present) {
    using value = typename Input::value;
    constexpr extent_t columns = Workspace::columns, width = Input::key_columns;
    for (extent_t region = 0; region < present; ++region) {
      const extent_t begin = region * Workspace::size, last = begin + Workspace::size;
      const extent_t end = last < input.keys() ? last : input.keys();
      for (extent_t c = 0; c < columns; ++c) {
        value query = 0, key = 0;
        for (extent_t t = begin; t < end; ++t) {
          query += input.all_queries(t, c);
          key += static_cast<value>(
              widen(input.all_keys.key_block(t / block_keys, c / width)[c % width * block_keys + t % block_keys]));
        }
        work.mean_query[region * columns + c] = query / static_cast<value>(end - begin);
        work.mean_key[region * columns + c] = key / static_cast<value>(end - begin);
      }
    }
  }
};

LACUNA_END
