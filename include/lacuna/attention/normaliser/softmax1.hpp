#pragma once
/// Softmax that may attend to nothing.

#include <lacuna/attention/normaliser/softmax.hpp>

LACUNA_BEGIN

/// w_j = e^{s_j} / (1 + sum_l e^{s_l}): as if every row saw one more key of score 0 and value 0, so that a head with
/// nothing to say can fall silent instead of choosing a sink. One pass; weights sum to less than 1.
/// Source: Xiao et al. (2023), arXiv 2309.17453, section 3.3 (softmax-off-by-one, after a note by Miller, 2023).
struct softmax1 : scores_as_they_are {
  using slot = slots::normaliser;
  static constexpr auto name = fixed_string("softmax1");
  static constexpr bool null_key = true;
};

LACUNA_END
