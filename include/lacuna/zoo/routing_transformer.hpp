#pragma once
/// The attention of the Routing Transformer.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/project/shared_query_key.hpp>
#include <lacuna/attention/route/balanced_k_means.hpp>
#include <lacuna/attention/route/k_means.hpp>

LACUNA_BEGIN

namespace zoo {

/// Tokens within clusters of `Members`, as in training: the choice of members sees ahead. More policies go at the end.
/// Source: Roy et al. (2020), arXiv 2003.05997. The release advises as many clusters as members fill the context: 16 of
/// 512 for 8192 tokens. Half of a layer's heads are local there (blocks of 256 and the one before), and only upper
/// layers have clusters: mix layers with `stack`. Its `count_offset{0.01f}` is left out. Shown by
/// docs/museum/attention.md.
template <extent_t Heads, extent_t Clusters = 16, members Members = members{512}, class... Policies>
using routing_attention = attention<heads<Heads>, balanced_k_means<Clusters, Members>,
                                    shared_query_key<shared_form::normalised>, plain_dot, Policies...>;

/// The form that streams: every token in the one cluster of its nearest centroid.
template <extent_t Heads, extent_t Clusters = 16, class... Policies>
using streaming_routing_attention =
    attention<heads<Heads>, k_means<Clusters>, shared_query_key<shared_form::normalised>, plain_dot, Policies...>;

}  // namespace zoo

LACUNA_END
