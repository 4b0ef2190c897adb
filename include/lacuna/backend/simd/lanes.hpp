#pragma once
/// Lanes of f32: the library's own type over xsimd (8.1 or newer), with what xsimd's versions lack or do differently.
///
/// A type of our own, since xsimd 8.1's AVX-512 masks convert silently to bool. The instruction set is part of its
/// name, through the namespace of the library. What a newer xsimd offers under another name, or 8.1 computes slowly or
/// wrongly for AVX-512 (fused multiply-add, sums over lanes, masked loads), is written here with the compiler's
/// intrinsics; every such function is tested against plain loops in tests/kernels/simd_lanes.cpp.

#include <lacuna/core/lane_maths.hpp>
#include <lacuna/tensor/element.hpp>
#include <xsimd/xsimd.hpp>

LACUNA_BEGIN

namespace simd_lanes {

#if defined(__aarch64__)
using instructions = xsimd::neon64;  // not the scalable vectors that a newer xsimd may choose: those cannot be shuffled
#else
using instructions = xsimd::default_arch;
#endif
using float_batch = xsimd::batch<float, instructions>;
using word_batch = xsimd::batch<std::uint32_t, instructions>;

#if defined(__AVX512F__)
static_assert(float_batch::size == 16, "lacuna::simd: xsimd chose narrower lanes than the intrinsics written here");
#elif defined(__AVX__)
static_assert(float_batch::size == 8, "lacuna::simd: xsimd chose narrower lanes than the intrinsics written here");
#endif

#if defined(__AVX__) && !defined(__AVX512F__)
namespace detail {
/// A mask of the first `count` of eight lanes.
LACUNA_INLINE __m256i first_of_eight(extent_t count) noexcept {
  alignas(64) static constexpr std::int32_t truths[16]{-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  return _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(truths + 8 - count)));
}
}  // namespace detail
#endif

/// A truth per lane. It does not convert to bool.
struct lane_mask {
  using batch = typename float_batch::batch_bool_type;
  batch value;
};

/// As many f32 as the widest register of this translation unit holds.
struct lanes {
  using element = float;
  using batch = float_batch;
  static constexpr extent_t lane_count = batch::size;
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr extent_t register_count = 32;  ///< that the processor has
#else
  static constexpr extent_t register_count = 16;
#endif
  batch value;

  lanes() = default;
  LACUNA_INLINE explicit lanes(batch of) noexcept : value(of) {}
  /// The same number in every lane.
  template <class Number>
    requires(std::is_arithmetic_v<Number>)
  LACUNA_INLINE explicit lanes(Number of) noexcept : value(static_cast<float>(of)) {}

  static LACUNA_INLINE lanes load(const float* from) noexcept { return lanes(batch::load_unaligned(from)); }
  LACUNA_INLINE void store(float* to) const noexcept { value.store_unaligned(to); }
  static LACUNA_INLINE lanes load(const bfloat16* from) noexcept;
  static LACUNA_INLINE lanes load(const float16* from) noexcept;

  // The next three are in gather.hpp.
  /// from[numbers[j]] in lane j.
  template <class Number>
  static LACUNA_INLINE lanes gather(const float* from, const Number* numbers) noexcept;
  /// numbers[j / Repeat] in lane j.
  template <extent_t Repeat>
  static LACUNA_INLINE lanes repeated(const float (&numbers)[lane_count / Repeat]) noexcept;

  /// Of four numbers, the one that bits 2 (`Part` * lane_count + j) and the next say, in lane j.
  template <extent_t Part>
  static LACUNA_INLINE lanes one_of_four(const float* four, std::uint32_t bits) noexcept;

  /// The first `count` lanes from memory, the others 0; nothing else is read.
  static LACUNA_INLINE lanes load_part(const float* from, extent_t count) noexcept {
#if defined(__AVX512F__)
    return lanes(batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), from)));
#elif defined(__AVX__)
    return lanes(batch(_mm256_maskload_ps(from, detail::first_of_eight(count))));
#else
    float copied[lane_count]{};
    for (extent_t j = 0; j < count; ++j) copied[j] = from[j];
    return load(copied);
#endif
  }
  template <class Element>
  static LACUNA_INLINE lanes load_part(const Element* from, extent_t count) noexcept {
    float copied[lane_count]{};
    for (extent_t j = 0; j < count; ++j) copied[j] = widen(from[j]);
    return load(copied);
  }
  /// Writes the first `count` lanes and nothing else.
  LACUNA_INLINE void store_part(float* to, extent_t count) const noexcept {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1u), value);
#elif defined(__AVX__)
    _mm256_maskstore_ps(to, detail::first_of_eight(count), value);
#else
    float copied[lane_count];
    store(copied);
    for (extent_t j = 0; j < count; ++j) to[j] = copied[j];
#endif
  }

  friend LACUNA_INLINE lanes operator+(lanes a, lanes b) noexcept { return lanes(a.value + b.value); }
  friend LACUNA_INLINE lanes operator-(lanes a, lanes b) noexcept { return lanes(a.value - b.value); }
  friend LACUNA_INLINE lanes operator*(lanes a, lanes b) noexcept { return lanes(a.value * b.value); }
  friend LACUNA_INLINE lanes operator/(lanes a, lanes b) noexcept { return lanes(a.value / b.value); }
  friend LACUNA_INLINE lanes operator-(lanes a) noexcept { return lanes(-a.value); }
};

/// a * b + c. xsimd 8.1 has no fused kernel for AVX-512 and leaves the fusion to the compiler, which clang declines.
LACUNA_INLINE lanes multiply_add(lanes a, lanes b, lanes c) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_fmadd_ps(a.value, b.value, c.value)));
#else
  return lanes(xsimd::fma(a.value, b.value, c.value));
#endif
}

/// A register that several products share: otherwise g++ reads it from memory for each of them; or one of zeros of its
/// own, which costs nothing, while a copy of another does.
LACUNA_INLINE lanes held(lanes of) noexcept {
#if defined(__AVX512F__)
  __m512 value = of.value;
  asm("" : "+v"(value));
  return lanes(float_batch(value));
#elif defined(__AVX__)
  __m256 value = of.value;
  asm("" : "+x"(value));
  return lanes(float_batch(value));
#else
  return of;
#endif
}

/// A place that is computed where it is used: otherwise g++ computes many in advance, and has no registers for them.
LACUNA_INLINE float* held(float* of) noexcept {
  asm("" : "+r"(of));
  return of;
}

LACUNA_INLINE lanes lane_sqrt(lanes a) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_maskz_sqrt_ps(0xffff, a.value)));
#else
  return lanes(xsimd::sqrt(a.value));
#endif
}
/// The larger of two; a where one is not a number. maxps returns its second operand there, and xsimd exchanges the two
/// from 14 on.
LACUNA_INLINE lanes lane_larger(lanes a, lanes b) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_maskz_max_ps(0xffff, b.value, a.value)));
#elif defined(__AVX__)
  return lanes(float_batch(_mm256_max_ps(b.value, a.value)));
#elif defined(__SSE2__)
  return lanes(float_batch(_mm_max_ps(b.value, a.value)));
#else
  return lanes(xsimd::select(a.value < b.value, b.value, a.value));
#endif
}
LACUNA_INLINE lane_mask lane_less(lanes a, lanes b) noexcept { return {a.value < b.value}; }
LACUNA_INLINE lanes lane_where(lane_mask condition, lanes yes, lanes no) noexcept {
  return lanes(xsimd::select(condition.value, yes.value, no.value));
}

/// The bits of 32-bit words as f32: xsimd names the target's batch up to 10.0, its element from 11 on.
template <class Words>
LACUNA_INLINE lanes as_floats(const Words& words) noexcept {
  if constexpr (requires { float_batch(xsimd::bitwise_cast<float_batch>(words)); })
    return lanes(xsimd::bitwise_cast<float_batch>(words));
  else
    return lanes(xsimd::bitwise_cast<float>(words));
}

/// And f32 as 32-bit words.
template <class Element = std::int32_t, class Floats>
LACUNA_INLINE auto as_words(const Floats& floats) noexcept {
  using words = xsimd::batch<Element, typename Floats::arch_type>;
  if constexpr (requires { words(xsimd::bitwise_cast<words>(floats)); })
    return xsimd::bitwise_cast<words>(floats);
  else
    return xsimd::bitwise_cast<Element>(floats);
}

/// 32-bit words moved up by `Bits`. Not by xsimd: 8.1 moves them one by one, and g++ 12 warns of its own AVX-512
/// intrinsic, but not of the masked one.
template <int Bits, class Words>
LACUNA_INLINE Words moved_up(const Words& words) noexcept {
#if defined(__AVX512F__)
  return Words(_mm512_maskz_slli_epi32(0xffff, words, Bits));
#elif defined(__AVX2__)
  return Words(_mm256_slli_epi32(words, Bits));
#elif defined(__SSE2__) && !defined(__AVX__)
  return Words(_mm_slli_epi32(words, Bits));
#else
  return words << Bits;
#endif
}

/// An integer near x in every lane, and 2^n times a number for such integers, |n| <= 128.
struct nearest_integer {
#if defined(__AVX512F__)
  lanes number;
  LACUNA_INLINE explicit nearest_integer(lanes x) noexcept
      : number(float_batch(_mm512_maskz_roundscale_ps(0xffff, x.value, 0))) {}
  LACUNA_INLINE lanes power_of_two_times(lanes x) const noexcept {
    return lanes(float_batch(_mm512_maskz_scalef_ps(0xffff, x.value, number.value)));
  }
#else
  using integers = decltype(xsimd::nearbyint_as_int(std::declval<float_batch>()));
  integers integer;
  lanes number;
  LACUNA_INLINE explicit nearest_integer(lanes x) noexcept
      : integer(xsimd::nearbyint_as_int(x.value)), number(xsimd::to_float(integer)) {}
  /// By 2^(n - 1) and a doubling, since n may be 128.
  LACUNA_INLINE lanes power_of_two_times(lanes x) const noexcept {
    return (x + x) * as_floats(moved_up<23>(integer + integers(126)));
  }
#endif
};

/// `of`, and 0 where a condition holds.
LACUNA_INLINE lanes zero_where(lane_mask condition, lanes of) noexcept {
#if defined(__AVX__) && !defined(__AVX512F__)
  return lanes(float_batch(_mm256_andnot_ps(condition.value, of.value)));
#elif defined(__SSE2__) && !defined(__AVX__)
  return lanes(float_batch(_mm_andnot_ps(condition.value, of.value)));
#else
  return lane_where(condition, lanes(0.0f), of);
#endif
}

/// e^x: 0 below -86.6, infinity above 88.7; NaN stays NaN. Within 2 units in the last place.
LACUNA_INLINE lanes lane_exp(lanes x) noexcept {
  const lanes low(-86.6f);
#if defined(__AVX512F__)
  // What numbers below become is masked out; a NaN is not. From 88.73 on, the power of two gives infinity by itself.
  const __mmask16 kept = _mm512_cmp_ps_mask(x.value, low.value, _CMP_NLT_UQ);
  const lanes inside(float_batch(_mm512_maskz_min_ps(0xffff, _mm512_set1_ps(89.0f), x.value)));
#else
  const lanes high(88.72f);
  const lane_mask under = lane_less(x, low), over = lane_less(high, x);
  const lanes inside = lane_where(under, low, lane_where(over, high, x));
#endif
  const nearest_integer turns(inside * lanes(1.44269504088896341f));
  // ln 2 in two parts, the first short enough that its multiples are exact.
  const lanes r =
      multiply_add(turns.number, lanes(2.12194440e-4f), multiply_add(turns.number, lanes(-0.693359375f), inside));
  const lanes tail = maths::detail::horner(r, 0.5000000096, 0.1666651832, 0.0416662041, 0.0083689517, 0.0013950604);
  const lanes power = multiply_add(r * r, tail, r) + lanes(1.0f);
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_maskz_scalef_ps(kept, power.value, turns.number.value)));
#else
  return zero_where(under, lane_where(over, lanes(maths::infinity<float>()), turns.power_of_two_times(power)));
#endif
}

/// e^x of a shifted score, x <= 0: an exact 0 below -64. Products with tiny numbers are slow, and nothing that an f32
/// sum would keep is lost. Within 4 units in the last place, and cheaper than `lane_exp`: what counts is how many steps
/// wait for each other, since few exponentials fit into what a processor looks at together.
LACUNA_INLINE lanes weight_exp(lanes x) noexcept {
#if defined(__AVX512F__)
  // What infinities and numbers out of range become is masked out; a NaN is not.
  const __mmask16 kept = _mm512_cmp_ps_mask(x.value, _mm512_set1_ps(-64.0f), _CMP_NLT_UQ);
  const lanes inside = x;
  const nearest_integer turns(inside * lanes(1.44269504088896341f));
  const lanes number = turns.number;
#else
  const lane_mask under = lane_less(x, lanes(-64.0f));
  const lanes inside = lane_larger(x, lanes(-64.0f));
  // Added to so large a number, x / ln 2 leaves its nearest integer in the last bits, and there the exponent of its
  // power of two.
  const lanes large(0x1.8p23f + 127), raised = held(multiply_add(inside, lanes(1.44269504088896341f), large));
  const lanes number = raised - large;
#endif
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_NEON)
  // One part of ln 2 does where the product is not rounded: its error is multiplied by 92 at most, and makes the result
  // larger, as the polynomial makes it smaller.
  const lanes r = multiply_add(number, lanes(-0.69314718055994531f), inside);
#else
  const lanes r = multiply_add(number, lanes(2.12194440e-4f), multiply_add(number, lanes(-0.693359375f), inside));
#endif
#if defined(__AVX512F__)
  // With 32 registers and what such processors look at together, the fewest steps are the fastest.
  const lanes power =
      maths::detail::horner(r, 1.0, 1.0, 0.499990857813, 0.166669865522, 0.0418999608996, 0.00832091698591);
#else
  const lanes square = r * r;
  const lanes second = multiply_add(r, lanes(0.166669865522f), lanes(0.499990857813f));
  const lanes third = multiply_add(r, lanes(0.00832091698591f), lanes(0.0418999608996f));
  const lanes power = multiply_add(square, multiply_add(square, third, second), r + lanes(1.0f));
#endif
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_maskz_scalef_ps(kept, power.value, number.value)));
#else
  return zero_where(under, power * as_floats(moved_up<23>(as_words(raised.value))));
#endif
}

/// Calls a function of single values for each lane.
template <class Function>
LACUNA_INLINE lanes each_lane(lanes of, Function&& function) noexcept {
  float copied[lanes::lane_count];
  of.store(copied);
  for (float& value : copied) value = function(value);
  return lanes::load(copied);
}

/// `of` in the first `count` lanes, `rest` in the others.
LACUNA_INLINE lanes first_lanes(extent_t count, lanes of, lanes rest) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_mask_blend_ps(static_cast<__mmask16>((1u << count) - 1u), rest.value, of.value)));
#elif defined(__AVX__)
  return lanes(float_batch(_mm256_blendv_ps(rest.value, of.value, _mm256_castsi256_ps(detail::first_of_eight(count)))));
#else
  float copied[lanes::lane_count], others[lanes::lane_count];
  of.store(copied);
  rest.store(others);
  for (extent_t j = count; j < lanes::lane_count; ++j) copied[j] = others[j];
  return lanes::load(copied);
#endif
}

/// `yes` in lane j where bit j is set, `no` elsewhere.
LACUNA_INLINE lanes where_bits(std::uint32_t bits, lanes yes, lanes no) noexcept {
#if defined(__AVX512F__)
  return lanes(float_batch(_mm512_mask_blend_ps(static_cast<__mmask16>(bits), no.value, yes.value)));
#elif defined(__AVX2__)
  const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  const __m256i chosen = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), bit), bit);
  return lanes(float_batch(_mm256_blendv_ps(no.value, yes.value, _mm256_castsi256_ps(chosen))));
#elif defined(__ARM_NEON)
  const std::uint32_t bit[4]{1, 2, 4, 8};
  return lanes(float_batch(vbslq_f32(vtstq_u32(vdupq_n_u32(bits), vld1q_u32(bit)), yes.value, no.value)));
#else
  float chosen[lanes::lane_count];
  for (extent_t j = 0; j < lanes::lane_count; ++j) chosen[j] = (bits >> j & 1u) != 0 ? 1.0f : 0.0f;
  return lane_where(lane_less(lanes(0.5f), lanes::load(chosen)), yes, no);
#endif
}

/// Bit j is set where a is not at most b in lane j: also where one of the two is not a number.
LACUNA_INLINE std::uint32_t bits_above(lanes a, lanes b) noexcept {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(a.value, b.value, _CMP_NLE_UQ);
#elif defined(__AVX__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.value, b.value, _CMP_NLE_UQ)));
#elif defined(__SSE2__)
  return static_cast<std::uint32_t>(_mm_movemask_ps(_mm_cmpnle_ps(a.value, b.value)));
#elif defined(__aarch64__)
  const std::uint32_t bit[4]{1, 2, 4, 8};
  return vaddvq_u32(vbicq_u32(vld1q_u32(bit), vcleq_f32(a.value, b.value)));
#else
  float copied[lanes::lane_count], bounds[lanes::lane_count];
  a.store(copied);
  b.store(bounds);
  std::uint32_t bits = 0;
  for (extent_t j = 0; j < lanes::lane_count; ++j) bits |= (copied[j] <= bounds[j] ? 0u : 1u) << j;
  return bits;
#endif
}

/// Writes `first + j` for every set bit j, ascending, and returns how many. What is written behind them, up to a place
/// per lane, is unspecified.
LACUNA_INLINE std::uint32_t store_numbers(std::uint32_t* to, std::uint32_t first, std::uint32_t bits) noexcept {
#if defined(__AVX512F__)
  // Into a register and from there to memory: writing the chosen lanes alone is slow on some processors.
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i numbers = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)), lane);
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(static_cast<__mmask16>(bits), numbers));
  return static_cast<std::uint32_t>(__builtin_popcount(bits));
#else
  // By fours: which of four bits are set, and how many.
  alignas(64) static constexpr std::uint32_t places[16][4]{{},     {0},       {1},       {0, 1},      {2},    {0, 2},
                                                           {1, 2}, {0, 1, 2}, {3},       {0, 3},      {1, 3}, {0, 1, 3},
                                                           {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}};
  static constexpr std::uint8_t counts[16]{0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
  std::uint32_t found = 0;
  for (std::uint32_t at = 0; at < lanes::lane_count; at += 4) {
    const std::uint32_t four = bits >> at & 15u;
    for (std::uint32_t j = 0; j < 4; ++j) to[found + j] = first + at + places[four][j];
    found += counts[four];
  }
  return found;
#endif
}

/// Asks the second cache for the line of an address ahead of its use. Any address will do.
LACUNA_INLINE void prefetch(const void* address) noexcept { __builtin_prefetch(address, 0, 2); }

namespace detail {

/// Folds the lanes by halves. The tree is the same on every machine of the same lane count.
template <class Combine>
LACUNA_INLINE float across(lanes of, Combine&& combine) noexcept {
  float copied[lanes::lane_count];
  of.store(copied);
  for (extent_t half = lanes::lane_count / 2; half > 0; half /= 2)
    for (extent_t j = 0; j < half; ++j) copied[j] = combine(copied[j], copied[j + half]);
  return copied[0];
}

}  // namespace detail

#if defined(__SSE2__)
namespace detail {
LACUNA_INLINE float sum_of(__m128 four) noexcept {
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
LACUNA_INLINE float largest_of(__m128 four) noexcept {
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
#if defined(__AVX__)
LACUNA_INLINE float sum_of(__m256 eight) noexcept {
  return sum_of(_mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}
LACUNA_INLINE float largest_of(__m256 eight) noexcept {
  return largest_of(_mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}
#endif
#if defined(__AVX512F__)
// Not by the intrinsics: those of g++ 12 warn of their own undefined registers.
LACUNA_INLINE __m256 lower_half(__m512 of) noexcept {
  return static_cast<__m256>(__builtin_shufflevector(of, of, 0, 1, 2, 3, 4, 5, 6, 7));
}
LACUNA_INLINE __m256 upper_half(__m512 of) noexcept {
  return static_cast<__m256>(__builtin_shufflevector(of, of, 8, 9, 10, 11, 12, 13, 14, 15));
}
LACUNA_INLINE float sum_of(__m512 of) noexcept { return sum_of(_mm256_add_ps(lower_half(of), upper_half(of))); }
LACUNA_INLINE float largest_of(__m512 of) noexcept { return largest_of(_mm256_max_ps(lower_half(of), upper_half(of))); }
#endif
}  // namespace detail

/// The sum over all lanes; the largest lane (unspecified where one is not a number).
LACUNA_INLINE float sum_of(lanes of) noexcept { return detail::sum_of(of.value); }
LACUNA_INLINE float largest_of(lanes of) noexcept { return detail::largest_of(of.value); }
#else
/// The sum over all lanes; the largest lane (unspecified where one is not a number).
LACUNA_INLINE float sum_of(lanes of) noexcept {
  return detail::across(of, [](float a, float b) { return a + b; });
}
LACUNA_INLINE float largest_of(lanes of) noexcept {
  return detail::across(of, [](float a, float b) { return a < b ? b : a; });
}
#endif

namespace detail {

/// Half of the lanes of two registers: of each stretch of 2 `Stretch` lanes the lower or the upper half, the first
/// register's before the second's.
template <extent_t Stretch, bool Upper, std::size_t... Lane>
LACUNA_INLINE lanes half_of(lanes a, lanes b, std::index_sequence<Lane...>) noexcept {
  const typename float_batch::register_type left = a.value, right = b.value;
  return lanes(float_batch(static_cast<typename float_batch::register_type>(__builtin_shufflevector(
      left, right, static_cast<int>(Lane / Stretch * 2 * Stretch + (Upper ? Stretch : 0) + Lane % Stretch)...))));
}

/// Folds registers pairwise: `Count` registers whose stretches of `Stretch` lanes belong together become one.
template <extent_t Stretch, extent_t Count>
LACUNA_INLINE lanes fold_registers(const lanes (&of)[Count]) noexcept {
  constexpr auto all = std::make_index_sequence<lanes::lane_count>{};
  constexpr extent_t half = Stretch / 2;
  if constexpr (Stretch == 1) {
    return of[0];
  } else if constexpr (Count == 1) {
    const lanes folded[1]{half_of<half, false>(of[0], of[0], all) + half_of<half, true>(of[0], of[0], all)};
    return fold_registers<half>(folded);
  } else {
    lanes folded[Count / 2];
    for (extent_t i = 0; i < Count / 2; ++i)
      folded[i] =
          half_of<half, false>(of[2 * i], of[2 * i + 1], all) + half_of<half, true>(of[2 * i], of[2 * i + 1], all);
    return fold_registers<half>(folded);
  }
}

}  // namespace detail

namespace detail {

template <std::size_t... Lane>
LACUNA_INLINE lanes neighbours_exchanged(lanes of, std::index_sequence<Lane...>) noexcept {
  const typename float_batch::register_type value = of.value;
  return lanes(float_batch(static_cast<typename float_batch::register_type>(
      __builtin_shufflevector(value, value, static_cast<int>(Lane ^ 1u)...))));
}

/// The lower or upper halves of two registers, lane by lane in turn.
template <bool Upper, std::size_t... Lane>
LACUNA_INLINE lanes interleaved(lanes a, lanes b, std::index_sequence<Lane...>) noexcept {
  constexpr std::size_t count = sizeof...(Lane), from = Upper ? count / 2 : 0;
  const typename float_batch::register_type left = a.value, right = b.value;
  return lanes(float_batch(static_cast<typename float_batch::register_type>(
      __builtin_shufflevector(left, right, static_cast<int>(from + Lane / 2 + Lane % 2 * count)...))));
}

}  // namespace detail

/// Lanes 2i and 2i + 1 exchanged.
LACUNA_INLINE lanes neighbours_exchanged(lanes of) noexcept {
  return detail::neighbours_exchanged(of, std::make_index_sequence<lanes::lane_count>{});
}

/// Lane j of register i becomes lane i of register j.
LACUNA_INLINE void transpose(lanes (&square)[lanes::lane_count]) noexcept {
  constexpr extent_t count = lanes::lane_count;
  constexpr auto all = std::make_index_sequence<count>{};
  for (extent_t stage = 1; stage < count; stage *= 2) {
    lanes mixed[count];
    for (extent_t i = 0; i < count / 2; ++i) {
      mixed[2 * i] = detail::interleaved<false>(square[i], square[i + count / 2], all);
      mixed[2 * i + 1] = detail::interleaved<true>(square[i], square[i + count / 2], all);
    }
    for (extent_t i = 0; i < count; ++i) square[i] = mixed[i];
  }
}

/// Lane i is the sum over the lanes of register i, for a power of two of registers, at most as many as lanes.
template <extent_t Count>
  requires((Count & (Count - 1)) == 0 && Count <= lanes::lane_count)
LACUNA_INLINE lanes sums_across(const lanes (&of)[Count]) noexcept {
  return detail::fold_registers<lanes::lane_count>(of);
}

/// One register of 32-bit words that hold two bf16 each. Not by a copy of the bytes, which g++ 12 makes in halves.
LACUNA_INLINE word_batch load_words(const bfloat16* from) noexcept {
#if defined(__AVX512F__)
  return word_batch(_mm512_loadu_si512(from));
#elif defined(__AVX2__)
  return word_batch(_mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(from))));
#elif defined(__SSE2__) && !defined(__AVX__)
  return word_batch(_mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from))));
#elif defined(__ARM_NEON)
  return word_batch(vreinterpretq_u32_u16(vld1q_u16(&from->bits)));
#else
  std::uint32_t copied[lanes::lane_count];
  __builtin_memcpy(copied, from, sizeof(copied));
  return word_batch::load_unaligned(copied);
#endif
}

/// Two registers from such words: the low halves, then the high halves.
LACUNA_INLINE void load_pair(const bfloat16* from, lanes& low, lanes& high) noexcept {
  static_assert(word_batch::size == lanes::lane_count,
                "lacuna::simd: f32 and 32-bit words have different lane counts here");
  const word_batch both = load_words(from);
  low = as_floats(moved_up<16>(both));
  high = as_floats(both & word_batch(0xffff0000u));
}

LACUNA_INLINE lanes lanes::load(const bfloat16* from) noexcept {
#if defined(__AVX512F__)
  return as_floats(moved_up<16>(word_batch(_mm512_maskz_cvtepu16_epi32(
      0xffff, _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(from)))))));
#elif defined(__AVX2__)
  return as_floats(moved_up<16>(
      word_batch(_mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)))))));
#elif defined(__SSE2__) && !defined(__AVX__)
  return as_floats(word_batch(_mm_unpacklo_epi16(
      _mm_setzero_si128(), _mm_loadl_epi64(static_cast<const __m128i*>(static_cast<const void*>(from))))));
#elif defined(__ARM_NEON)
  return as_floats(word_batch(vshll_n_u16(vld1_u16(&from->bits), 16)));
#else
  return load_part(from, lane_count);
#endif
}

LACUNA_INLINE lanes lanes::load(const float16* from) noexcept {
#if defined(__AVX512F__)
  return lanes(batch(
      _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(from))))));
#elif defined(__AVX__) && defined(__F16C__)
  return lanes(batch(_mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from))))));
#elif defined(__aarch64__)
  return lanes(batch(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&from->bits)))));
#else
  return load_part(from, lane_count);
#endif
}

}  // namespace simd_lanes

LACUNA_END
