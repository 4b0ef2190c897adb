#pragma once
/// Elements that are left out at random, on SIMD lanes: random numbers of as many counters at once as there are lanes.

#include <lacuna/backend/simd/words.hpp>
#include <lacuna/op/drop.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// y = x where an element is kept, times the scale, and 0 elsewhere, for `count` numbers in a row.
inline void drop_numbers(float* y, const float* x, extent_t count, const drop_key& key) noexcept {
  constexpr extent_t width = lanes::lane_count, of_one_counter = 8, at_once = of_one_counter * width;
  constexpr auto all = std::make_index_sequence<width>{};
  const lanes scale(static_cast<float>(key.scale()));
  // Half a word h, as the last bits of 2^23 + h, is a number that compares as h does.
  const word_batch large(0x4b000000u), lower_half(0xffffu);
  const lanes limit(static_cast<float>(0x800000u + key.dropped));
  for (extent_t first = 0; first < count; first += at_once) {
    word_batch words[4];
    random_words(words, key.seed, key.stream, (key.number << 32) + first / of_one_counter);
    // Lane j has the four words of block j: one behind the other they are the blocks in order.
    const lanes word0 = as_floats(words[0]), word1 = as_floats(words[1]), word2 = as_floats(words[2]),
                word3 = as_floats(words[3]);
    const lanes even[2]{detail::interleaved<false>(word0, word2, all), detail::interleaved<true>(word0, word2, all)};
    const lanes odd[2]{detail::interleaved<false>(word1, word3, all), detail::interleaved<true>(word1, word3, all)};
    const lanes in_order[4]{
        detail::interleaved<false>(even[0], odd[0], all), detail::interleaved<true>(even[0], odd[0], all),
        detail::interleaved<false>(even[1], odd[1], all), detail::interleaved<true>(even[1], odd[1], all)};
    for (extent_t i = 0; i < 4; ++i) {
      const word_batch halves = as_words<std::uint32_t>(in_order[i].value);
      const lanes lower = as_floats((halves & lower_half) | large), upper = as_floats(moved_down<16>(halves) | large);
      const lanes drawn[2]{detail::interleaved<false>(lower, upper, all), detail::interleaved<true>(lower, upper, all)};
      for (extent_t part = 0; part < 2; ++part) {
        const extent_t at = first + (2 * i + part) * width;
        if (at >= count) break;
        const lane_mask left_out = lane_less(drawn[part], limit);
        if (count - at >= width)
          lane_where(left_out, lanes(0.0f), lanes::load(x + at) * scale).store(y + at);
        else
          lane_where(left_out, lanes(0.0f), lanes::load_part(x + at, count - at) * scale)
              .store_part(y + at, count - at);
      }
    }
  }
}

}  // namespace simd_lanes

namespace operation {

/// y = x without what the key leaves out, f32: see `op::drop`.
template <extent_t Columns>
auto kernel(drop, rows<float, Columns> y, rows<const float, Columns> x, const drop_key& key, const simd&) {
  simd_lanes::drop_numbers(y.data, x.data, x.count * Columns, key);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
