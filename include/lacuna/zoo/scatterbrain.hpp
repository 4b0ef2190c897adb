#pragma once
/// Scatterbrain's attention.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/score/difference.hpp>

LACUNA_BEGIN

namespace zoo {

/// Sparse and low-rank attention together: exact weights on `Support`, estimates by features elsewhere. The features
/// default to the d ln d of the released code, for heads of d = 64 columns; `both<causal, window<64>>` is a support for
/// decoders. Source: Chen et al. (2021), arXiv 2110.15343. Shown in docs/museum/attention.md.
template <extent_t Heads, class Support, class Features = hyperbolic_favor<266>, class... Others>
using scatterbrain_attention = attention<heads<Heads>, Support, difference<Features>, Others...>;

}  // namespace zoo

LACUNA_END
