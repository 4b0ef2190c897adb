#pragma once
/// BigBird's attention.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/route/block_window.hpp>
#include <lacuna/attention/route/by_rows.hpp>
#include <lacuna/attention/route/columns.hpp>
#include <lacuna/attention/route/either.hpp>
#include <lacuna/attention/route/random_blocks.hpp>

LACUNA_BEGIN

namespace zoo {

/// Which keys BigBird's rows see: the first and the last block see all and are seen by all, others see their neighbours
/// and a few blocks at random.
template <extent_t Block, class Random = random_blocks<Block>>
using bigbird_route = by_rows<edges<Block>, full, either<either<columns<edges<Block>>, block_window<Block>>, Random>>;

/// The internal form: blocks of 64 and 3 random ones per block, as published; the same for all heads.
/// Source: Zaheer et al. (2020), arXiv 2007.14062, section 2. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Block = 64, class Random = random_blocks<Block>, class... Others>
using bigbird_attention = attention<heads<Heads>, bigbird_route<Block, Random>, Others...>;

}  // namespace zoo

LACUNA_END
