#pragma once
/// Summaries of spans by lanes: 16 keys of a block at once.

#include <lacuna/core/lane_maths.hpp>
#include <lacuna/op/summarise.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// One head of a span's atom: what `operation::summary_loops::one_by_one` writes.
template <class Lanes>
struct summary_writer {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count;

  template <class Cache>
  void operator()(const Cache& cache, const operation::summary_loops::one_span<Cache, value>& span,
                  extent_t atom) const noexcept {
    constexpr extent_t width = Cache::head_width;
    value out[width]{}, largest[width], top = -maths::infinity<value>(), sum = 0;
    for (extent_t d = 0; d < width; ++d) largest[d] = span.key(span.begin, d);
    for (extent_t block = span.begin / block_keys; block * block_keys < span.end; ++block) {
      const extent_t at = block * block_keys, from = span.begin > at ? span.begin - at : 0,
                     to = span.end - at < block_keys ? span.end - at : block_keys;
      const value* keys = cache.key_block(block, span.head);
      const value* values = cache.value_block(block, span.head);
      // Keys of the block that are not of the span have scores, too, which nobody reads.
      value scores[block_keys], weights[block_keys];
      for (extent_t r = 0; r < block_keys; r += lanes) {
        Lanes dots(value(0));
        for (extent_t d = 0; d < width; ++d)
          dots = multiply_add(Lanes(span.asks[d]), Lanes::load(keys + d * block_keys + r), dots);
        (dots * Lanes(span.scale)).store(scores + r);
      }
      value higher = top;
      for (extent_t j = from; j < to; ++j) higher = scores[j] > higher ? scores[j] : higher;
      for (extent_t r = 0; r < block_keys; r += lanes)
        maths::exp(Lanes::load(scores + r) - Lanes(higher)).store(weights + r);
      const value shrink = maths::exp(top - higher);
      top = higher;
      sum *= shrink;
      for (extent_t j = from; j < to; ++j) sum += weights[j];
      for (extent_t d = 0; d < width; ++d) out[d] *= shrink;
      for (extent_t j = from; j < to; ++j)
        for (extent_t d = 0; d < width; ++d) out[d] += weights[j] * values[Cache::value_at(j, d)];
      for (extent_t d = 0; d < width; ++d)
        for (extent_t j = from; j < to; ++j)
          largest[d] = keys[d * block_keys + j] > largest[d] ? keys[d * block_keys + j] : largest[d];
    }
    value* k = cache.key_block(atom / block_keys, span.head) + atom % block_keys;
    value* v = cache.value_block(atom / block_keys, span.head) + Cache::value_at(atom % block_keys, 0);
    for (extent_t d = 0; d < width; ++d) k[d * block_keys] = largest[d], v[d * Cache::value_step] = out[d] / sum;
  }
};

}  // namespace by_lanes

LACUNA_END
