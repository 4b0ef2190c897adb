#pragma once
/// Lanes of 32-bit words: what xsimd 8.1 lacks or computes word by word, and random numbers of several counters at
/// once. Tested against plain loops in tests/kernels/simd_lanes.cpp.

#include <lacuna/backend/simd/lanes.hpp>
#include <lacuna/core/random.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// 32-bit words moved down by `Bits`, zeros from above: see `moved_up`.
template <int Bits>
LACUNA_INLINE word_batch moved_down(const word_batch& words) noexcept {
#if defined(__AVX512F__)
  return word_batch(_mm512_maskz_srli_epi32(0xffff, words, Bits));
#elif defined(__AVX2__)
  return word_batch(_mm256_srli_epi32(words, Bits));
#elif defined(__SSE2__) && !defined(__AVX__)
  return word_batch(_mm_srli_epi32(words, Bits));
#else
  return words >> Bits;
#endif
}

/// The upper and the lower halves of products of words.
struct word_products {
  word_batch upper, lower;
};
/// Each word times a constant.
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

}  // namespace simd_lanes

LACUNA_END
