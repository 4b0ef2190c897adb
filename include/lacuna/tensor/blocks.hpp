#pragma once
/// Sparse weights as views: where the stored blocks of a weight lie, and their values.
///
/// A strip is `block_outputs` rows of the weight, the last one possibly fewer. Its entries, numbered on through all
/// strips, are blocks of `block_outputs * block_inputs` values; a value belongs to input `first_input(entry) + i` and
/// output `strip * block_outputs + o`, and lies at `entry * block_size + i * block_outputs + o`. Blocks that reach over
/// an edge are stored whole; what lies beyond the edge has no effect.

#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

/// What all patterns of blocks say of themselves.
template <extent_t Outputs, extent_t Inputs, extent_t BlockOutputs, extent_t BlockInputs, extent_t Capacity>
struct block_shape {
  static constexpr extent_t outputs = Outputs, inputs = Inputs;
  static constexpr extent_t block_outputs = BlockOutputs, block_inputs = BlockInputs;
  static constexpr extent_t block_size = BlockOutputs * BlockInputs;
  static constexpr extent_t strips = (Outputs + BlockOutputs - 1) / BlockOutputs;
  static constexpr extent_t places = (Inputs + BlockInputs - 1) / BlockInputs;  ///< blocks that a strip could have
  static constexpr extent_t capacity = Capacity;                                ///< entries there is room for
};

/// Blocks anywhere: the entries of strip s are those from `begins[s]` to `begins[s + 1]`, ascending by their numbers.
template <extent_t Outputs, extent_t Inputs, extent_t BlockOutputs, extent_t BlockInputs, extent_t Capacity,
          class Number>
struct free_blocks : block_shape<Outputs, Inputs, BlockOutputs, BlockInputs, Capacity> {
  using number = Number;
  const std::uint32_t* begins = nullptr;  ///< `(strips + 1)`, from 0
  const Number* numbers = nullptr;        ///< of each entry: how many blocks lie to its left in the whole weight

  constexpr free_blocks() = default;
  LACUNA_HD constexpr free_blocks(const std::uint32_t* where, const Number* which) noexcept
      : begins(where), numbers(which) {}
  LACUNA_HD constexpr extent_t begin(extent_t strip) const noexcept { return begins[strip]; }
  LACUNA_HD constexpr extent_t end(extent_t strip) const noexcept { return begins[strip + 1]; }
  LACUNA_HD constexpr extent_t first_input(extent_t entry) const noexcept {
    return extent_t{numbers[entry]} * BlockInputs;
  }
  LACUNA_HD constexpr extent_t entries() const noexcept { return begins[free_blocks::strips]; }
};

/// `Kept` of every `Group` inputs, the same ones for all outputs of a strip; ascending within a group.
template <extent_t Outputs, extent_t Inputs, extent_t BlockOutputs, extent_t Kept, extent_t Group>
struct grouped_blocks : block_shape<Outputs, Inputs, BlockOutputs, 1,
                                    (Outputs + BlockOutputs - 1) / BlockOutputs*(Inputs / Group) * Kept> {
  using number = std::uint8_t;
  static constexpr extent_t kept = Kept, group = Group;
  static constexpr extent_t per_strip = Inputs / Group * Kept;
  const std::uint8_t* numbers = nullptr;  ///< of each entry: its place within its group

  constexpr grouped_blocks() = default;
  LACUNA_HD constexpr explicit grouped_blocks(const std::uint8_t* which) noexcept : numbers(which) {}
  LACUNA_HD constexpr extent_t begin(extent_t strip) const noexcept { return strip * per_strip; }
  LACUNA_HD constexpr extent_t end(extent_t strip) const noexcept { return (strip + 1) * per_strip; }
  LACUNA_HD constexpr extent_t first_input(extent_t entry) const noexcept {
    return entry % per_strip / Kept * Group + numbers[entry];
  }
  LACUNA_HD constexpr extent_t entries() const noexcept { return grouped_blocks::capacity; }
};

/// A sparse weight, or its gradient: a pattern and its values `(capacity * block_size)`.
template <class Element, class Pattern>
struct block_matrix {
  using element = Element;
  using pattern_type = Pattern;
  static constexpr extent_t outputs = Pattern::outputs, inputs = Pattern::inputs;
  Element* values = nullptr;
  Pattern pattern;

  constexpr block_matrix() = default;
  LACUNA_HD constexpr block_matrix(Element* of, const Pattern& where) noexcept : values(of), pattern(where) {}
  LACUNA_HD constexpr Element* block(extent_t entry) const noexcept { return values + entry * Pattern::block_size; }
};

/// Calls `f(output, input, index of the value)` for every stored value of a strip that lies inside the weight.
template <class Pattern, class Function>
LACUNA_HD constexpr void for_each_value(const Pattern& pattern, extent_t strip, Function&& f) {
  for (extent_t entry = pattern.begin(strip); entry < pattern.end(strip); ++entry)
    for (extent_t i = 0; i < Pattern::block_inputs; ++i) {
      const extent_t input = pattern.first_input(entry) + i;
      if (input >= Pattern::inputs) break;
      for (extent_t o = 0; o < Pattern::block_outputs; ++o) {
        const extent_t output = strip * Pattern::block_outputs + o;
        if (output >= Pattern::outputs) break;
        f(output, input, entry * Pattern::block_size + i * Pattern::block_outputs + o);
      }
    }
}

LACUNA_END
