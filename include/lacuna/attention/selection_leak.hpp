#pragma once
/// Whether an attention of a decoder may choose keys by tokens that come later.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

struct refuse_selection_leak;

namespace slots {
/// `allow_selection_leak`.
struct selection_leak {
  using stand_in = refuse_selection_leak;
};
}  // namespace slots

/// Routes that let later tokens decide which earlier ones a row sees (`lsh` and `balanced_k_means` under `causal`) are
/// an error in a decoder: what it predicts would rest on what it is asked to predict. The default. Only routes are
/// asked: a mixture with a limited capacity lets later tokens take the places of earlier ones, too.
struct refuse_selection_leak {
  using slot = slots::selection_leak;
  static constexpr bool allowed = false;
  static constexpr auto name = fixed_string("refuse_selection_leak");
};
/// They are wanted all the same, as their papers train them: of one attention, `attention<lsh<>, ...,
/// allow_selection_leak>`, or of all, `decoder<..., allow_selection_leak>`. Losses of such a decoder are lower than
/// those of one that writes token by token.
struct allow_selection_leak {
  using slot = slots::selection_leak;
  static constexpr bool allowed = true;
  static constexpr auto name = fixed_string("allow_selection_leak");
};

LACUNA_END
