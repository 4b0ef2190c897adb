#pragma once
/// Attentions that may attend to nothing, so that activations need no outliers and survive eight bits.

#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/gate/sigmoid_gate.hpp>
#include <lacuna/attention/normaliser/clipped_softmax.hpp>
#include <lacuna/attention/route/full.hpp>

LACUNA_BEGIN

namespace zoo {

/// Weights stretched and clipped: exactly 0 is possible. The stretch defaults to BERT's published one, for 128 tokens.
/// Source: Bondarenko, Nagel and Blankevoort (2023), arXiv 2306.12929, section 4.1. Shown in docs/museum/attention.md.
template <extent_t Heads, class Route = full, stretch Stretch = stretch{}, class... Others>
using clipped_attention = attention<heads<Heads>, Route, clipped_softmax<Stretch>, Others...>;

/// Each token opens each head by a share, at first half: a sigmoid of a linear map of the token. Source: the same,
/// section 4.2.
template <extent_t Heads, class Route = full, openness Open = openness{}, class... Others>
using gated_attention = attention<heads<Heads>, Route, sigmoid_gate<Open>, Others...>;

}  // namespace zoo

LACUNA_END
