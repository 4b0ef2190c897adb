#pragma once
/// Lanes of f32: the library's own type over xsimd (8.1 or newer), with what xsimd's versions lack or do differently.
///
/// A type of our own, since xsimd 8.1's AVX-512 masks convert silently to bool. The instruction set is part of its
/// name, through the namespace of the library.

#include <lacuna/tensor/element.hpp>
#include <xsimd/xsimd.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// As many f32 as the widest register of this translation unit holds.
struct lanes {
  using batch = xsimd::batch<float>;
  static constexpr extent_t count = batch::size;
  batch value;

  static LACUNA_INLINE lanes load(const float* from) noexcept { return {batch::load_unaligned(from)}; }
  static LACUNA_INLINE lanes broadcast(float of) noexcept { return {batch(of)}; }
  LACUNA_INLINE void store(float* to) const noexcept { value.store_unaligned(to); }

  friend LACUNA_INLINE lanes operator+(lanes a, lanes b) noexcept { return {a.value + b.value}; }
  friend LACUNA_INLINE lanes operator*(lanes a, lanes b) noexcept { return {a.value * b.value}; }
};

/// a * b + c. xsimd 8.1 has no fused kernel for AVX-512 and leaves the fusion to the compiler, which clang declines.
LACUNA_INLINE lanes multiply_add(lanes a, lanes b, lanes c) noexcept {
#if defined(__AVX512F__)
  if constexpr (lanes::count == 16) return {lanes::batch(_mm512_fmadd_ps(a.value, b.value, c.value))};
#endif
  return {xsimd::fma(a.value, b.value, c.value)};
}

/// The bits of 32-bit words as f32: xsimd names the target's batch up to 10.0, its element from 11 on.
template <class Words>
LACUNA_INLINE lanes as_floats(const Words& words) noexcept {
  if constexpr (requires { lanes::batch(xsimd::bitwise_cast<lanes::batch>(words)); })
    return {xsimd::bitwise_cast<lanes::batch>(words)};
  else
    return {xsimd::bitwise_cast<float>(words)};
}

/// Words moved up by 16 bits. g++ 12 warns of its own unmasked AVX-512 shift: the masked one computes the same.
template <class Words>
LACUNA_INLINE Words upper_halves(const Words& words) noexcept {
#if defined(__AVX512F__)
  if constexpr (lanes::count == 16) return Words(_mm512_maskz_slli_epi32(0xffff, words, 16));
#endif
  return words << 16;
}

/// Two registers from 32-bit words that hold two bf16 each: the low halves, then the high halves.
LACUNA_INLINE void load_pair(const bfloat16* from, lanes& low, lanes& high) noexcept {
  using words = xsimd::batch<std::uint32_t>;
  static_assert(words::size == lanes::count, "lacuna::simd: f32 and 32-bit words have different lane counts here");
  std::uint32_t copied[lanes::count];
  __builtin_memcpy(copied, from, sizeof(copied));
  const auto both = words::load_unaligned(copied);
  low = as_floats(upper_halves(both));
  high = as_floats(both & words(0xffff0000u));
}

}  // namespace simd_lanes

LACUNA_END
