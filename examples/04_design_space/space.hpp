#pragma once
// The design space of the example: all combinations of three choices.
#include <lacuna/lacuna.hpp>

namespace studied {
namespace lc = lacuna;
using shipped = lc::zoo::shipped;

using window = lc::both<lc::causal, lc::window<64>>;
using sinks = lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<16>>>;
using ring = lc::ring_cache<64, lc::pinned{4}>;
using dense = lc::ffn<lc::hidden<512>, lc::relu>;
using sparse = lc::ffn<lc::hidden<512>, lc::top_k_activation<32, lc::relu>, lc::skips_zeros>;
using gated = lc::ffn<lc::hidden<512>, lc::gated<lc::silu>>;

/// A ring overwrites what a causal row still sees, so that these two are no variant.
using space = lc::design_space<
    shipped,
    lc::vary<lc::causal, lc::causal, lc::called<"window 64", window>, lc::called<"4 sinks + window 16", sinks>>,
    lc::vary<lc::slots::cache, lc::called<"linear", lc::linear_cache>, lc::called<"ring", ring>>,
    lc::vary<dense, lc::called<"relu", dense>, lc::called<"32 largest", sparse>, lc::called<"gated silu", gated>>,
    lc::without<lc::causal, ring>>;

template <class Left, class Right>
inline constexpr bool differ_in_cache = false;
template <class Route, class Left, class Right, class FeedForward>
inline constexpr bool
    differ_in_cache<lc::type_list<Route, Left, FeedForward>, lc::type_list<Route, Right, FeedForward>> = true;

/// The variant that learns for another: itself, or its twin where a ring would overwrite keys that learning reads. Both
/// have the same parameters.
template <class Variant>
inline constexpr lc::extent_t learns_as = [] {
  lc::extent_t found = Variant::index;
  lc::for_each_variant<space>([&]<class Other>(Other) {
    if (!Other::template has<ring> && differ_in_cache<typename Variant::choices, typename Other::choices>)
      found = Other::index;
  });
  return found;
}();

}  // namespace studied
