#pragma once
/// Into weights of eight bits.

#include <lacuna/compress/converter.hpp>
#include <lacuna/format/quantized.hpp>

LACUNA_BEGIN

/// Row by row, each with a scale of its own: see `quantize_row`.
template <extent_t Bits, class Activations>
struct converter<quantized<Bits, Activations>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using scale = std::remove_reference_t<decltype(to.scale[0])>;
    for (extent_t o = 0; o < Outputs; ++o)
      to.scale[o] =
          quantize_row<scale>(to.weight.data + o * Inputs, from.values.data() + o * Inputs, Inputs, choices.range);
    return nothing{};
  }
};

LACUNA_END
