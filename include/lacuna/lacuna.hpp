#pragma once
/// Everything but backends, tokenizers and files. Add <lacuna/io.hpp> for those two, <lacuna/with_simd.hpp> or
/// <lacuna/with_eigen.hpp> for a backend.

// Slots first: what they complain about is then two includes deep.
#include <lacuna/activation/slots.hpp>
#include <lacuna/attention/route/span.hpp>
#include <lacuna/attention/slots.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/norm/slots.hpp>
#include <lacuna/position/slots.hpp>

#include <lacuna/activation/gelu.hpp>
#include <lacuna/activation/relu.hpp>
#include <lacuna/activation/sigmoid.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/attention/cache/ring.hpp>
#include <lacuna/attention/gate/sigmoid_gate.hpp>
#include <lacuna/attention/normaliser/clamped_softmax.hpp>
#include <lacuna/attention/normaliser/clipped_softmax.hpp>
#include <lacuna/attention/normaliser/l2_gelu.hpp>
#include <lacuna/attention/normaliser/softmax1.hpp>
#include <lacuna/attention/route/block_window.hpp>
#include <lacuna/attention/route/both.hpp>
#include <lacuna/attention/route/by_rows.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/chunked.hpp>
#include <lacuna/attention/route/columns.hpp>
#include <lacuna/attention/route/dilated_window.hpp>
#include <lacuna/attention/route/either.hpp>
#include <lacuna/attention/route/except.hpp>
#include <lacuna/attention/route/full.hpp>
#include <lacuna/attention/route/positions.hpp>
#include <lacuna/attention/route/random_blocks.hpp>
#include <lacuna/attention/route/window.hpp>
#include <lacuna/block/repeat.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/decoder.hpp>
#include <lacuna/model/describe.hpp>
#include <lacuna/model/figures.hpp>
#include <lacuna/model/generate.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/model/substitute.hpp>
#include <lacuna/norm/layer_norm.hpp>
#include <lacuna/norm/no_norm.hpp>
#include <lacuna/norm/rms_norm.hpp>
#include <lacuna/op/watch.hpp>
#include <lacuna/position/alibi.hpp>
#include <lacuna/position/learned_position.hpp>
#include <lacuna/position/rope.hpp>
#include <lacuna/position/sinusoidal.hpp>
#include <lacuna/probe/activity.hpp>
#include <lacuna/train/cross_entropy.hpp>
#include <lacuna/zoo/shipped.hpp>
#include <lacuna/zoo/stories260k.hpp>
