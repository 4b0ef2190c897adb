#pragma once
/// BiFormer: attention between the tokens of regions that chose each other.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/gate/local_enhancement.hpp>
#include <lacuna/attention/route/bi_level.hpp>

LACUNA_BEGIN

namespace zoo {

/// BiFormer's attention in one dimension: regions of the stream choose regions, scores are divided by the root of the
/// full width, and values of near tokens are added. 4 kept regions and 3 taps are the defaults of the released class
/// (its models may say more taps), whose models cut an image into 7 x 7 regions and keep 1, 4, 16 and all of them,
/// stage by stage. Source: Zhu et al. (2023), arXiv 2303.08810; docs/museum/attention.md.
template <extent_t Heads, extent_t Regions = 49, kept_regions Kept = kept_regions{}, extent_t Kernel = 3,
          class Bias = bias>
using biformer_attention =
    attention<heads<Heads>, bi_level<Regions, Kept>, dot_by_width, local_enhancement<Kernel, Bias>>;

}  // namespace zoo

LACUNA_END
