#pragma once
/// Every row sees every key.

#include <lacuna/attention/route/span.hpp>

LACUNA_BEGIN

/// Keys [0, keys): encoders. Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.2.
struct full {
  using slot = slots::route;
  static constexpr auto name = fixed_string("full");

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t, extent_t keys) { return {0, keys}; }
};

LACUNA_END
