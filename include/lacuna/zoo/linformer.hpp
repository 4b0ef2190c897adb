#pragma once
/// Attention whose cost grows with the stream, and not with its square: keys and values mixed down to a few rows.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/source/low_rank.hpp>

LACUNA_BEGIN

namespace zoo {

/// Linformer's attention: Wang et al. (2020), arXiv 2006.04768, section 4. Every row sees `Rank` mixed rows; the
/// paper's ranks are 128 and 256, for streams of 512 to 4096 tokens. `Mixing`: `together` is the paper's key-value
/// sharing. Shown in docs/museum/attention.md.
template <extent_t Heads, extent_t Rank = 256, mixing Mixing = mixing::apart, class... Policies>
using linformer_attention = attention<heads<Heads>, full, low_rank<Rank, Mixing>, Policies...>;

}  // namespace zoo

LACUNA_END
