#pragma once
/// Longformer's attention.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/project/by_class.hpp>
#include <lacuna/attention/route/columns.hpp>
#include <lacuna/attention/route/either.hpp>
#include <lacuna/attention/route/window.hpp>

LACUNA_BEGIN

namespace zoo {

/// A window of `EachSide` keys to both sides and a few global tokens, which see everything and are seen by everyone,
/// through maps of their own. Published: 256 to each side (the paper counts a window of 512), 4096 tokens, the first
/// token global. Source: Beltagy, Peters and Cohan (2020), arXiv 2004.05150. Shown in docs/museum/attention.md.
template <extent_t Heads, class Set = leading<1>, extent_t EachSide = 256, class... Others>
using longformer_attention =
    attention<heads<Heads>, either<window<EachSide + 1>, columns<Set>>, class_projections<Set>, Others...>;

}  // namespace zoo

LACUNA_END
