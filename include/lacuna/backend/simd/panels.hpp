#pragma once
/// The packed form of a dense weight: column panels of 64 or 32 outputs, so that one input feeds all lanes.

#include <lacuna/backend/simd/lanes.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Outputs of one panel: four registers where that is a line of memory or more, so that the sums of two panels, read
/// side by side, fit the register file.
inline constexpr extent_t panel_width = lanes::lane_count == 8 ? 32 : 64;

/// `outputs` rounded up to whole registers: panels are filled up with zeros.
constexpr extent_t padded(extent_t outputs) {
  return (outputs + lanes::lane_count - 1) / lanes::lane_count * lanes::lane_count;
}

/// Where output `output` of a panel lies in its row: bf16 registers are interleaved by pairs, so that output j of a
/// register and output j of the next share a word.
template <class Element>
constexpr extent_t place_in_panel(extent_t output, extent_t width) {
  constexpr extent_t pair_width = 2 * lanes::lane_count;
  if (!same<Element, bfloat16> || output >= width / pair_width * pair_width) return output;
  const extent_t pair = output / pair_width, inside = output % pair_width;
  return pair * pair_width + (inside % lanes::lane_count) * 2 + inside / lanes::lane_count;
}

/// Writes a weight `(outputs, inputs)` as `[panel][input][up to panel_width outputs]`.
template <extent_t Outputs, extent_t Inputs, class Element>
constexpr void pack_panels(Element* to, const Element* weight) {
  for (extent_t first = 0; first < Outputs; first += panel_width) {
    const extent_t width = padded(Outputs - first < panel_width ? Outputs - first : panel_width);
    // Inputs outside, so that what is written lies together.
    for (extent_t i = 0; i < Inputs; ++i)
      for (extent_t j = 0; j < width && first + j < Outputs; ++j)
        to[first * Inputs + i * width + place_in_panel<Element>(j, width)] = weight[(first + j) * Inputs + i];
  }
}

/// A weight `(outputs, inputs)` in panels. Rebuilt from the weight by `pack`; never stored in files.
template <class Element, extent_t Outputs, extent_t Inputs>
struct panels {
  tensor<Element, padded(Outputs) * Inputs> packed;

  constexpr void pack(const tensor<Element, Outputs, Inputs>& weight) {
    pack_panels<Outputs, Inputs>(packed.data, weight.data);
  }
};

}  // namespace simd_lanes

LACUNA_END
