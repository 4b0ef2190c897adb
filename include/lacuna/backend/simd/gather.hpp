#pragma once
/// Lanes from numbers that lie apart.

#include <cstdint>
#include <lacuna/backend/simd/lanes.hpp>
#include <utility>

LACUNA_BEGIN

namespace simd_lanes {

namespace detail {
/// Single numbers as lanes, in registers alone: memory written in parts and read whole waits.
template <extent_t Repeat, std::size_t... Lane>
LACUNA_INLINE lanes from_numbers(const float* numbers, std::index_sequence<Lane...>) noexcept {
  return lanes(float_batch(static_cast<typename float_batch::register_type>(
      typename float_batch::register_type{numbers[Lane / Repeat]...})));
}
typedef float four_numbers __attribute__((vector_size(16)));
/// Four numbers at places. Places of 16 bits are read together: loads are what this waits for.
template <class Number>
LACUNA_INLINE four_numbers from_places(const float* from, const Number* places) noexcept {
  if constexpr (sizeof(Number) == 2 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
#if defined(__BMI__) && defined(__x86_64__)
    std::uint64_t all;
    __builtin_memcpy(&all, places, sizeof all);
    return four_numbers{from[all & 0xffff], from[_bextr_u64(all, 16, 16)], from[_bextr_u64(all, 32, 16)],
                        from[all >> 48]};
#else
    std::uint32_t two[2];
    __builtin_memcpy(two, places, sizeof two);
    return four_numbers{from[two[0] & 0xffff], from[two[0] >> 16], from[two[1] & 0xffff], from[two[1] >> 16]};
#endif
  } else {
    return four_numbers{from[places[0]], from[places[1]], from[places[2]], from[places[3]]};
  }
}
}  // namespace detail

template <extent_t Repeat>
LACUNA_INLINE lanes lanes::repeated(const float (&numbers)[lane_count / Repeat]) noexcept {
#if defined(__AVX512F__)
  // Each number goes from memory into its lanes, beside the others.
  if constexpr (Repeat > 1) {
    __m512 all = _mm512_set1_ps(numbers[0]);
    by_lanes::unroll<lane_count / Repeat - 1>([&](auto j) LACUNA_UNROLLED {
      constexpr auto lanes_of_it = static_cast<__mmask16>(((1u << Repeat) - 1u) << ((j + 1) * Repeat));
      all = _mm512_mask_broadcastss_ps(all, lanes_of_it, _mm_set_ss(numbers[j + 1]));
    });
    return lanes(batch(all));
  }
#elif defined(__AVX__)
  if constexpr (Repeat == 4)
    return lanes(batch(_mm256_insertf128_ps(_mm256_set1_ps(numbers[0]), _mm_set1_ps(numbers[1]), 1)));
#endif
  return detail::from_numbers<Repeat>(numbers, std::make_index_sequence<lane_count>{});
}

template <class Number>
LACUNA_INLINE lanes lanes::gather(const float* from, const Number* numbers) noexcept {
#if defined(__AVX512F__)
  const void* at = numbers;
  if constexpr (sizeof(Number) == 4)
    return lanes(batch(_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, _mm512_loadu_si512(at), from, 4)));
  else
    return lanes(batch(_mm512_mask_i32gather_ps(
        _mm512_setzero_ps(), 0xffff,
        _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(static_cast<const __m256i*>(at))), from, 4)));
#else
  // Not AVX2's instruction: on Zen 3 it takes 1.9 times as long.
  const auto low = detail::from_places(from, numbers);
  if constexpr (lane_count == 4)
    return lanes(batch(static_cast<typename batch::register_type>(low)));
  else
    return lanes(batch(static_cast<typename batch::register_type>(
        __builtin_shufflevector(low, detail::from_places(from, numbers + 4), 0, 1, 2, 3, 4, 5, 6, 7))));
#endif
}

template <extent_t Part>
LACUNA_INLINE lanes lanes::one_of_four(const float* four, std::uint32_t bits) noexcept {
#if defined(__AVX512F__)
  const __m512i moved = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i places = _mm512_maskz_srlv_epi32(0xffff, _mm512_set1_epi32(static_cast<int>(bits)), moved);
  return lanes(
      batch(_mm512_maskz_permutevar_ps(0xffff, _mm512_maskz_broadcast_f32x4(0xffff, _mm_loadu_ps(four)), places)));
#elif defined(__AVX2__)
  constexpr int at = 16 * static_cast<int>(Part);
  const __m256i moved = _mm256_setr_epi32(at, at + 2, at + 4, at + 6, at + 8, at + 10, at + 12, at + 14);
  const __m256i places = _mm256_srlv_epi32(_mm256_set1_epi32(static_cast<int>(bits)), moved);
  const __m128 once = _mm_loadu_ps(four);
  return lanes(batch(_mm256_permutevar_ps(_mm256_set_m128(once, once), places)));
#else
  float chosen[lane_count];
  for (extent_t j = 0; j < lane_count; ++j) chosen[j] = four[bits >> 2 * (Part * lane_count + j) & 3u];
  return detail::from_numbers<1>(chosen, std::make_index_sequence<lane_count>{});
#endif
}

}  // namespace simd_lanes

LACUNA_END
