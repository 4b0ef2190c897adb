#pragma once
/// The graph Transformer of Dwivedi and Bresson.

#include <lacuna/activation/relu.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/normaliser/clamped_softmax.hpp>
#include <lacuna/attention/route/neighbours.hpp>
#include <lacuna/attention/score/edge_modulated.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/decoder.hpp>
#include <lacuna/norm/layer_norm.hpp>
#include <lacuna/position/laplacian_position.hpp>

LACUNA_BEGIN

namespace zoo {

/// Attention between neighbours, scores held within 5: room for `Edges` edges.
/// Source: Dwivedi and Bresson (2020), arXiv 2012.09699, the layer for nodes; published with 8 heads.
template <extent_t Edges, extent_t Heads = 8>
using graph_attention = attention<heads<Heads>, neighbours<Edges>, clamped_softmax<score_limit{5.f}>>;

/// The same, with `EdgeWidth` numbers for each edge: the layer with edge features.
template <extent_t Edges, extent_t EdgeWidth, extent_t Heads = 8>
using graph_edge_attention =
    attention<heads<Heads>, neighbours<Edges>, edge_modulated<EdgeWidth>, clamped_softmax<score_limit{5.f}>>;

/// A layer of the network: attention, then a feed-forward of twice the width with biases, a norm after each. The paper
/// has batch norm here and layer norm as its other choice; of attention's projections the released code gives
/// the output's alone a bias, which is left out here.
template <class Attention, extent_t Width = 64>
using graph_block = post_norm<layer_norm<>, Attention, ffn<hidden<2 * Width>, relu, bias>>;

/// The network for nodes: `Kinds` kinds of nodes in, a score for each of them out, 10 layers of width 64 with 8
/// positions of the Laplacian as published for ZINC. What the paper makes of whole graphs by a mean over nodes is left
/// to the caller. Shown by examples/14_graph and docs/museum/attention.md.
template <extent_t Kinds, extent_t Nodes, extent_t Edges, extent_t Layers = 10, extent_t Width = 64, extent_t Heads = 8,
          extent_t Positions = 8>
using graph_transformer = decoder<vocabulary<Kinds>, width<Width>, context<Nodes>, laplacian_position<Positions>,
                                  repeat<Layers, graph_block<graph_attention<Edges, Heads>, Width>>, linear_head<bias>>;

}  // namespace zoo

LACUNA_END
