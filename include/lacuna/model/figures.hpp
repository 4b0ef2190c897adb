#pragma once
/// Figures of a recipe, all constexpr, all read from the same shapes that the model allocates.

#include <lacuna/model/decoder.hpp>

LACUNA_BEGIN

/// Learned values of a recipe: `parameter_count<stories> == 260'032`.
template <class Recipe>
inline constexpr extent_t parameter_count =
    count_elements<typename Recipe::bound::template parameters<shapes<float>>>();

/// Bytes of the parameters as a file stores them, without padding.
template <class Recipe, class Numerics>
inline constexpr extent_t parameter_bytes =
    count_bytes<typename Recipe::bound::template parameters<shapes<typename Numerics::weight>>>();

/// Bytes of the stream's state (keys and values).
template <class Recipe, class Numerics>
inline constexpr extent_t state_bytes =
    count_bytes<typename Recipe::bound::template state<shapes<typename Numerics::value>>>();

/// Multiply-adds of one decoded token at `position`, logits included; one multiply-add is two FLOP.
template <class Recipe>
constexpr std::uint64_t decode_multiply_adds(extent_t position) {
  return Recipe::bound::multiply_adds(position, 1, 1);
}

/// Multiply-adds of a prompt of `tokens`, with the last row's logits.
template <class Recipe>
constexpr std::uint64_t prefill_multiply_adds(extent_t tokens) {
  return Recipe::bound::multiply_adds(0, tokens, 1);
}

LACUNA_END
