#pragma once
/// Every row sees itself and what came before.

#include <lacuna/attention/route/span.hpp>

LACUNA_BEGIN

/// Keys [0, query]. Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.2.3.
struct causal {
  using slot = slots::route;
  static constexpr auto name = fixed_string("causal");

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t query, extent_t keys) {
    return {0, query + 1 < keys ? query + 1 : keys};
  }
};

LACUNA_END
