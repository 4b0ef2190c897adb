#pragma once
/// Branches whose outputs are averaged.

#include <lacuna/attention/merge/fold.hpp>
#include <lacuna/attention/schedule/mean_of_branches.hpp>

LACUNA_BEGIN

/// The mean of what the branches give, each normalised for itself: sum over b of o_b / branches, for each row of
/// `(tokens, heads * head_width)`. A branch in which a row sees nothing gives 0 and counts. Branches may have different
/// scores and schedules; those that multiply queries by keys over routes with spans keep keys and values once for all.
/// Cost: the branches', and tokens * heads * head_width additions for each. Source: Roy et al. (2020), Routing
/// Transformer, arXiv 2003.05997, whose clusters' outputs are no sum of one softmax.
struct mean_outputs {
  using slot = slots::merge;
  static constexpr auto name = fixed_string("mean_outputs");

  template <class Shape, class Parts>
  using schedule = mean_of_branches<Shape, Parts, false>;
};

/// The same over the branches in which a row sees something; 0 where none shows it anything. All need routes with
/// spans. Source: as the released code of Roy et al. (2020), arXiv 2003.05997, divides by the clusters that hold a
/// token.
struct mean_seen_outputs {
  using slot = slots::merge;
  static constexpr auto name = fixed_string("mean_seen_outputs");

  template <class Shape, class Parts>
  using schedule = mean_of_branches<Shape, Parts, true>;
};

LACUNA_END
