#pragma once
/// Elements that are left out at random, on SIMD lanes: random numbers of as many counters at once as there are lanes.

#include <lacuna/backend/simd/lanes.hpp>
#include <lacuna/op/drop.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// The bits of f32 as words.
template <class Floats>
LACUNA_INLINE word_batch unsigned_words(const Floats& floats) noexcept {
  if constexpr (requires { word_batch(xsimd::bitwise_cast<word_batch>(floats)); })
    return xsimd::bitwise_cast<word_batch>(floats);
  else
    return xsimd::bitwise_cast<std::uint32_t>(floats);
}

/// Words times a constant: the upper and the lower halves of the products.
struct word_products {
  word_batch upper, lower;
};
LACUNA_INLINE word_products multiply_words(const word_batch& of, std::uint32_t by) noexcept {
#if defined(__AVX512F__)
  const __m512i factor = _mm512_set1_epi64(by);
  const __m512i even = _mm512_maskz_mul_epu32(0xff, of, factor);
  const __m512i odd = _mm512_maskz_mul_epu32(0xff, _mm512_maskz_srli_epi64(0xff, of, 32), factor);
  return {word_batch(_mm512_mask_blend_epi32(0xaaaa, _mm512_maskz_srli_epi64(0xff, even, 32), odd)),
          word_batch(_mm512_mask_blend_epi32(0xaaaa, even, _mm512_maskz_slli_epi64(0xff, odd, 32)))};
#elif defined(__AVX2__)
  const __m256i factor = _mm256_set1_epi64x(by);
  const __m256i even = _mm256_mul_epu32(of, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(of, 32), factor);
  return {word_batch(_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)),
          word_batch(_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa))};
#elif defined(__SSE2__) && !defined(__AVX__)
  const __m128i factor = _mm_set1_epi64x(by), low = _mm_set1_epi64x(0xffffffff);
  const __m128i even = _mm_mul_epu32(of, factor), odd = _mm_mul_epu32(_mm_srli_epi64(of, 32), factor);
  return {word_batch(_mm_or_si128(_mm_srli_epi64(even, 32), _mm_andnot_si128(low, odd))),
          word_batch(_mm_or_si128(_mm_and_si128(even, low), _mm_slli_epi64(odd, 32)))};
#else
  std::uint32_t words[lanes::lane_count], above[lanes::lane_count];
  of.store_unaligned(words);
  for (extent_t j = 0; j < lanes::lane_count; ++j) {
    const std::uint64_t product = std::uint64_t{words[j]} * by;
    above[j] = static_cast<std::uint32_t>(product >> 32);
    words[j] = static_cast<std::uint32_t>(product);
  }
  return {word_batch::load_unaligned(above), word_batch::load_unaligned(words)};
#endif
}

/// `random_bits` of consecutive counters, one per lane, in the four words.
LACUNA_INLINE void random_words(word_batch (&to)[4], std::uint64_t seed, std::uint64_t stream,
                                std::uint64_t counter) noexcept {
  std::uint32_t low[lanes::lane_count], high[lanes::lane_count];
  for (extent_t j = 0; j < lanes::lane_count; ++j) {
    low[j] = static_cast<std::uint32_t>(counter + j);
    high[j] = static_cast<std::uint32_t>((counter + j) >> 32);
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  to[0] = word_batch::load_unaligned(low), to[1] = word_batch::load_unaligned(high);
  to[2] = word_batch(static_cast<std::uint32_t>(stream)), to[3] = word_batch(static_cast<std::uint32_t>(stream >> 32));
  for (int round = 0; round < 10; ++round) {
    const word_products a = multiply_words(to[0], 0xD2511F53u), b = multiply_words(to[2], 0xCD9E8D57u);
    to[0] = b.upper ^ to[1] ^ word_batch(key0);
    to[1] = b.lower;
    to[2] = a.upper ^ to[3] ^ word_batch(key1);
    to[3] = a.lower;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/// y = x where an element is kept, times the scale, and 0 elsewhere, for `count` numbers in a row.
inline void drop_numbers(float* y, const float* x, extent_t count, const drop_key& key) noexcept {
  constexpr extent_t width = lanes::lane_count, at_once = 8 * width;
  constexpr auto all = std::make_index_sequence<width>{};
  const lanes scale(static_cast<float>(key.scale()));
  // Half a word h, as the last bits of 2^23 + h, is a number that compares as h does.
  const word_batch large(0x4b000000u), lower_half(0xffffu);
  const lanes limit(static_cast<float>(0x800000u + key.dropped));
  for (extent_t first = 0; first < count; first += at_once) {
    word_batch words[4];
    random_words(words, key.seed, key.stream, (key.number << 32) + first / 8);
    // Lane j has the four words of block j: one behind the other they are the blocks in order.
    const lanes word0 = as_floats(words[0]), word1 = as_floats(words[1]), word2 = as_floats(words[2]),
                word3 = as_floats(words[3]);
    const lanes even[2]{detail::interleaved<false>(word0, word2, all), detail::interleaved<true>(word0, word2, all)};
    const lanes odd[2]{detail::interleaved<false>(word1, word3, all), detail::interleaved<true>(word1, word3, all)};
    const lanes in_order[4]{
        detail::interleaved<false>(even[0], odd[0], all), detail::interleaved<true>(even[0], odd[0], all),
        detail::interleaved<false>(even[1], odd[1], all), detail::interleaved<true>(even[1], odd[1], all)};
    for (extent_t i = 0; i < 4; ++i) {
      const word_batch halves = unsigned_words(in_order[i].value);
      const lanes lower = as_floats((halves & lower_half) | large),
                  upper = as_floats(multiply_words(halves, 0x10000u).upper | large);
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
