#pragma once
/// Lanes of integers of eight bits, whose products are summed up in 32 bits, exactly; and conversions to and from f32.
///
/// A processor offers one of: products of unsigned with signed bytes summed up by fours (VNNI), the same by pairs in 16
/// bits (AVX2, AVX-512 without VNNI), signed ones by fours (NEON with dot products), by pairs (NEON, SSE2). Integers
/// are from -127 to 127, so that a pair of products fits 16 bits.

#include <lacuna/backend/simd/lanes.hpp>
#include <lacuna/tensor/quantized.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Four f32 or four 32-bit integers, on any machine: the compilers' own vectors.
using four_floats = float __attribute__((vector_size(16)));
using four_integers = std::int32_t __attribute__((vector_size(16)));

/// The first `count` of four, the others 0.
template <class Element>
LACUNA_INLINE four_floats load_some(const Element* from, extent_t count) noexcept {
  float copied[4]{};
  if constexpr (same<Element, float>) {
    if (count == 4) {
      four_floats of;
      __builtin_memcpy(&of, from, sizeof(of));
      return of;
    }
  }
  for (extent_t j = 0; j < count; ++j) copied[j] = widen(from[j]);
  return four_floats{copied[0], copied[1], copied[2], copied[3]};
}
LACUNA_INLINE void store_some(float* to, four_floats of, extent_t count) noexcept {
  if (count == 4) {
    __builtin_memcpy(to, &of, sizeof(of));
  } else {
    float copied[4];
    __builtin_memcpy(copied, &of, sizeof(of));
    for (extent_t j = 0; j < count; ++j) to[j] = copied[j];
  }
}

/// A register of bytes as the machine takes it. `sums` holds 32-bit sums, as many as the register has words; inputs and
/// weights are loaded into forms of their own, since one of the two may be prepared for the product.
///
/// `offset`: the sums are those of (weight + 128) * input, and 128 times the sum of the inputs has to be taken off.
struct byte_lanes {
#if defined(__AVX512F__) && defined(__AVX512BW__)
  static constexpr extent_t count = 64;
  using sums = std::int32_t __attribute__((vector_size(64)));
  using weights = __m512i;
  static LACUNA_INLINE __m512i bytes(const std::int8_t* from) noexcept { return _mm512_loadu_si512(from); }
#if defined(__AVX512VNNI__)
  static constexpr bool offset = true;
  using inputs = __m512i;
  static LACUNA_INLINE weights weights_of(__m512i of) noexcept { return _mm512_xor_si512(of, _mm512_set1_epi8(-128)); }
  static LACUNA_INLINE inputs inputs_of(__m512i of) noexcept { return of; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
    return __builtin_bit_cast(sums, _mm512_dpbusd_epi32(__builtin_bit_cast(__m512i, to), w, x));
  }
  static LACUNA_INLINE sums add_inputs(sums to, inputs x) noexcept { return add_products(to, _mm512_set1_epi8(1), x); }
#else
  static constexpr bool offset = false;
  struct inputs {
    __m512i magnitude;
    __mmask64 negative;
  };
  static LACUNA_INLINE weights weights_of(__m512i of) noexcept { return of; }
  static LACUNA_INLINE inputs inputs_of(__m512i of) noexcept { return {_mm512_abs_epi8(of), _mm512_movepi8_mask(of)}; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
    const __m512i turned = _mm512_mask_sub_epi8(w, x.negative, _mm512_setzero_si512(), w);
    const __m512i pairs = _mm512_maddubs_epi16(x.magnitude, turned);
    return to + __builtin_bit_cast(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
#endif
#elif defined(__AVX2__)
  static constexpr extent_t count = 32;
  using sums = std::int32_t __attribute__((vector_size(32)));
  using weights = __m256i;
  static LACUNA_INLINE __m256i bytes(const std::int8_t* from) noexcept {
    return _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(from)));
  }
#if defined(__AVXVNNI__)
  static constexpr bool offset = true;
  using inputs = __m256i;
  static LACUNA_INLINE weights weights_of(__m256i of) noexcept { return _mm256_xor_si256(of, _mm256_set1_epi8(-128)); }
  static LACUNA_INLINE inputs inputs_of(__m256i of) noexcept { return of; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
    return __builtin_bit_cast(sums, _mm256_dpbusd_avx_epi32(__builtin_bit_cast(__m256i, to), w, x));
  }
  static LACUNA_INLINE sums add_inputs(sums to, inputs x) noexcept { return add_products(to, _mm256_set1_epi8(1), x); }
#else
  static constexpr bool offset = false;
  struct inputs {
    __m256i value, magnitude;
  };
  static LACUNA_INLINE weights weights_of(__m256i of) noexcept { return of; }
  static LACUNA_INLINE inputs inputs_of(__m256i of) noexcept { return {of, _mm256_abs_epi8(of)}; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
    const __m256i pairs = _mm256_maddubs_epi16(x.magnitude, _mm256_sign_epi8(w, x.value));
    return to + __builtin_bit_cast(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
#endif
#elif defined(__SSE2__)
  static constexpr extent_t count = 16;
  static constexpr bool offset = false;
  using sums = std::int32_t __attribute__((vector_size(16)));
  struct wide {
    __m128i low, high;  ///< of 16 bits each
  };
  using weights = wide;
  using inputs = wide;
  static LACUNA_INLINE __m128i bytes(const std::int8_t* from) noexcept {
    return _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)));
  }
  static LACUNA_INLINE wide weights_of(__m128i of) noexcept {
    return {_mm_srai_epi16(_mm_unpacklo_epi8(of, of), 8), _mm_srai_epi16(_mm_unpackhi_epi8(of, of), 8)};
  }
  static LACUNA_INLINE wide inputs_of(__m128i of) noexcept { return weights_of(of); }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
    return to + __builtin_bit_cast(sums, _mm_madd_epi16(w.low, x.low)) +
           __builtin_bit_cast(sums, _mm_madd_epi16(w.high, x.high));
  }
#elif defined(__ARM_NEON)
  static constexpr extent_t count = 16;
  static constexpr bool offset = false;
  using sums = std::int32_t __attribute__((vector_size(16)));
  using weights = int8x16_t;
  using inputs = int8x16_t;
  static LACUNA_INLINE int8x16_t bytes(const std::int8_t* from) noexcept { return vld1q_s8(from); }
  static LACUNA_INLINE int8x16_t weights_of(int8x16_t of) noexcept { return of; }
  static LACUNA_INLINE int8x16_t inputs_of(int8x16_t of) noexcept { return of; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept {
#if defined(__ARM_FEATURE_DOTPROD)
    return __builtin_bit_cast(sums, vdotq_s32(__builtin_bit_cast(int32x4_t, to), w, x));
#else
    const int32x4_t low = vpadalq_s16(__builtin_bit_cast(int32x4_t, to), vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    return __builtin_bit_cast(sums, vpadalq_s16(low, vmull_s8(vget_high_s8(w), vget_high_s8(x))));
#endif
  }
#else
  static constexpr extent_t count = 4;
  static constexpr bool offset = false;
  using sums = std::int32_t __attribute__((vector_size(16)));
  using weights = sums;
  using inputs = sums;
  static LACUNA_INLINE sums bytes(const std::int8_t* from) noexcept { return sums{from[0], from[1], from[2], from[3]}; }
  static LACUNA_INLINE sums weights_of(sums of) noexcept { return of; }
  static LACUNA_INLINE sums inputs_of(sums of) noexcept { return of; }
  static LACUNA_INLINE sums add_products(sums to, weights w, inputs x) noexcept { return to + w * x; }
#endif

  static LACUNA_INLINE weights load_weights(const std::int8_t* from) noexcept { return weights_of(bytes(from)); }
  /// The first `Part` bytes from memory, the others 0; nothing else is read.
  template <extent_t Part>
  static LACUNA_INLINE weights load_weights_part(const std::int8_t* from) noexcept {
    std::int8_t copied[count]{};
    __builtin_memcpy(copied, from, Part);
    return load_weights(copied);
  }
  static LACUNA_INLINE inputs load_inputs(const std::int8_t* from) noexcept { return inputs_of(bytes(from)); }
};

namespace detail {

/// Of two vectors, the pairs of words that `Upper` says of every four words, in turn, as far apart as `Stretch`.
template <extent_t Stretch, bool Upper, class Words, std::size_t... Lane>
LACUNA_INLINE Words words_in_turn(Words a, Words b, std::index_sequence<Lane...>) noexcept {
  constexpr std::size_t count = sizeof...(Lane);
  return __builtin_shufflevector(a, b,
                                 static_cast<int>(Lane / 4 * 4 + Lane % 4 / (2 * Stretch) * Stretch + (Upper ? 2 : 0) +
                                                  Lane % Stretch + (Lane % 4 / Stretch % 2 != 0 ? count : 0))...);
}
template <extent_t Stretch, class Words>
LACUNA_INLINE Words folded_words(Words a, Words b) noexcept {
  constexpr auto all = std::make_index_sequence<sizeof(Words) / 4>{};
  return words_in_turn<Stretch, false>(a, b, all) + words_in_turn<Stretch, true>(a, b, all);
}
template <class Half, class Words, std::size_t... Lane>
LACUNA_INLINE Half folded_half(Words of, std::index_sequence<Lane...>) noexcept {
  return static_cast<Half>(__builtin_shufflevector(of, of, static_cast<int>(Lane)...)) +
         static_cast<Half>(__builtin_shufflevector(of, of, static_cast<int>(Lane + sizeof...(Lane))...));
}

}  // namespace detail

/// The sums over the words of four registers.
template <class Words>
LACUNA_INLINE four_integers word_sums_across(const Words (&of)[4]) noexcept {
  const Words all =
      detail::folded_words<2>(detail::folded_words<1>(of[0], of[1]), detail::folded_words<1>(of[2], of[3]));
  if constexpr (sizeof(Words) == 64) {
    using half = std::int32_t __attribute__((vector_size(32)));
    return detail::folded_half<four_integers>(detail::folded_half<half>(all, std::make_index_sequence<8>{}),
                                              std::make_index_sequence<4>{});
  } else if constexpr (sizeof(Words) == 32) {
    return detail::folded_half<four_integers>(all, std::make_index_sequence<4>{});
  } else {
    return all;
  }
}
/// The sum over the words of a register.
LACUNA_INLINE std::int32_t sum_across(byte_lanes::sums of) noexcept {
  const byte_lanes::sums copied[4]{of, {}, {}, {}};
  return word_sums_across(copied)[0];
}

/// The first four lanes.
LACUNA_INLINE four_floats first_four(lanes of) noexcept {
  float copied[lanes::lane_count];
  of.store(copied);
  return load_some(copied, 4);
}

/// As many bytes as there are lanes, as f32.
LACUNA_INLINE lanes widened(const std::int8_t* from) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_maskz_cvtepi32_ps(
      0xffff, _mm512_maskz_cvtepi8_epi32(
                  0xffff, _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)))))));
#elif defined(__AVX2__)
  return lanes(float_batch(_mm256_cvtepi32_ps(
      _mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(static_cast<const void*>(from)))))));
#elif defined(__SSE2__) && !defined(__AVX__)
  std::int32_t four;
  __builtin_memcpy(&four, from, sizeof(four));
  const __m128i bytes = _mm_cvtsi32_si128(four), pairs = _mm_unpacklo_epi8(bytes, bytes);
  return lanes(float_batch(_mm_cvtepi32_ps(_mm_srai_epi32(_mm_unpacklo_epi16(pairs, pairs), 24))));
#elif defined(__ARM_NEON)
  std::uint32_t four;
  __builtin_memcpy(&four, from, sizeof(four));
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
  return lanes(float_batch(vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)))));
#else
  float copied[lanes::lane_count];
  for (extent_t j = 0; j < lanes::lane_count; ++j) copied[j] = from[j];
  return lanes::load(copied);
#endif
}
template <extent_t Part>
LACUNA_INLINE lanes widened_part(const std::int8_t* from) noexcept {
  std::int8_t copied[lanes::lane_count]{};
  __builtin_memcpy(copied, from, Part);
  return widened(copied);
}

/// Writes as many bytes as there are lanes: the nearest integers, of two the even one, of numbers from -127 to 127.
LACUNA_INLINE void store_nearest(std::int8_t* to, lanes of) noexcept {
#if defined(__AVX512F__)
  _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(to)),
                   _mm512_maskz_cvtepi32_epi8(0xffff, _mm512_maskz_cvtps_epi32(0xffff, of.value)));
#elif defined(__AVX2__)
  const __m256i words = _mm256_cvtps_epi32(of.value);
  const __m128i pairs = _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storel_epi64(static_cast<__m128i*>(static_cast<void*>(to)), _mm_packs_epi16(pairs, pairs));
#elif defined(__SSE2__) && !defined(__AVX__)
  const __m128i words = _mm_cvtps_epi32(of.value), pairs = _mm_packs_epi32(words, words);
  const std::int32_t four = _mm_cvtsi128_si32(_mm_packs_epi16(pairs, pairs));
  __builtin_memcpy(to, &four, sizeof(four));
#elif defined(__aarch64__)
  const int16x4_t pairs = vmovn_s32(vcvtnq_s32_f32(of.value));
  const std::uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(pairs, pairs))), 0);
  __builtin_memcpy(to, &four, sizeof(four));
#else
  float copied[lanes::lane_count];
  of.store(copied);
  for (extent_t j = 0; j < lanes::lane_count; ++j) to[j] = static_cast<std::int8_t>(nearest_integer_of(copied[j]));
#endif
}

}  // namespace simd_lanes

LACUNA_END
