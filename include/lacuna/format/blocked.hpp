#pragma once
/// Sparse weights: some blocks are stored, wherever they lie; single entries are blocks of one.

#include <lacuna/format/density.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/blocks.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct blocks_are_not_empty {
  static_assert(Fine,
                "lacuna::blocked: a block without entries (write blocked<outputs, inputs, density{s}> with numbers "
                "above 0)");
};
}  // namespace rules

namespace detail {

/// What the formats of stored blocks have in common. `Layout` says how `parameters<Role>` hold a pattern and makes
/// views of them: `pattern(parameters)`.
template <class Layout>
struct bound_blocks {
  using pattern_type = typename Layout::pattern_type;
  static constexpr extent_t outputs = pattern_type::outputs, inputs = pattern_type::inputs;

  template <class Plan>
  struct memory {};
  template <class Target>
  struct derived {
    typename Target::template packed_blocks<pattern_type> packed{};  ///< the backend's own form of the weight
  };

  template <class Parameters>
  LACUNA_HD static constexpr auto view(const Parameters& parameters) noexcept {
    using element = std::remove_cvref_t<decltype(parameters.values[0])>;
    return block_matrix<const element, pattern_type>(parameters.values.data, Layout::pattern(parameters));
  }
  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(view(parameters));
  }
  template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
  LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, const Derived& derived,
                                          rows<Input, inputs> x, rows<Output, outputs> y, const Run& run) {
    run.multiply_blocks(y, x, view(parameters), derived.packed);
  }
  template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
            class Value, class Run>
  LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                           const Derived& derived, rows<Input, inputs> x, rows<Output, outputs> dy,
                                           rows<Value, inputs> dx, const Run& run) {
    using gradient = std::remove_reference_t<decltype(gradients.values[0])>;
    run.accumulate_blocks(block_matrix<gradient, pattern_type>(gradients.values.data, Layout::pattern(parameters)), dy,
                          x);
    run.multiply_blocks_transposed(dx, dy, view(parameters), derived.packed);
  }
  /// Of all entries there is room for.
  static constexpr std::uint64_t multiply_adds(extent_t tokens) {
    return std::uint64_t{tokens} * pattern_type::capacity * pattern_type::block_size;
  }
};

}  // namespace detail

/// A weight of which `Stored` of the blocks of `BlockOutputs` outputs x `BlockInputs` inputs are stored, wherever they
/// lie: `blocked<16, 1, density{0.1}>`. `(tokens, inputs) -> (tokens, outputs)`; one multiply-add per token and stored
/// value.
///
/// Paths: `values` `(blocks, block inputs, block outputs)`; `begins` `(strips + 1)`: where the blocks of each strip of
/// `BlockOutputs` outputs begin, and `columns` `(blocks)`: how many blocks lie to the left of each, ascending within a
/// strip; 16 bits, or 32 where a row has more than 65536 blocks. What says where values lie is data apart from them, so
/// that a stored 0 stays a stored 0, and has no gradient. Fewer blocks than there is room for may be stored: what lies
/// behind the last one is not read, and its values have to be 0. A block may reach over the last output or input. The
/// empty weight at first; `compress/` makes one from a dense weight.
/// Source: blocks of R x 1 as in Shen et al. (2023), arXiv 2306.16601, section 3; rows of single entries are CSR.
template <extent_t BlockOutputs, extent_t BlockInputs, density Stored>
struct blocked {
  static_assert(__is_base_of(nothing, rules::blocks_are_not_empty<(BlockOutputs > 0 && BlockInputs > 0)>) || true);
  static_assert(__is_base_of(nothing, rules::density_is_a_share<(Stored.millionths() > 0)>) || true);
  using slot = slots::format;
  static constexpr extent_t block_outputs = BlockOutputs == 0 ? 1 : BlockOutputs;
  static constexpr extent_t block_inputs = BlockInputs == 0 ? 1 : BlockInputs;
  static constexpr auto name = [] {
    if constexpr (block_outputs == 1 && block_inputs == 1)
      return fixed_string("csr<") + detail::share_text<Stored.millionths()>() + ">";
    else
      return fixed_string("blocked<") + decimal<block_outputs>() + "x" + decimal<block_inputs>() + ", " +
             detail::share_text<Stored.millionths()>() + ">";
  }();

  template <extent_t Outputs, extent_t Inputs>
  struct layout {
    using grid = block_shape<Outputs, Inputs, block_outputs, block_inputs, 0>;
    static constexpr extent_t stored = Stored.of(grid::strips * grid::places);
    using number = std::conditional_t<(grid::places > 65536), std::uint32_t, std::uint16_t>;
    using pattern_type = free_blocks<Outputs, Inputs, block_outputs, block_inputs, stored, number>;
    template <class Parameters>
    LACUNA_HD static constexpr pattern_type pattern(const Parameters& parameters) noexcept {
      return {parameters.begins.data, parameters.columns.data};
    }
  };

  template <extent_t Outputs, extent_t Inputs>
  struct bound : detail::bound_blocks<layout<Outputs, Inputs>> {
    using pattern_type = typename layout<Outputs, Inputs>::pattern_type;

    template <class Role>
    struct parameters {
      static constexpr extent_t places = pattern_type::places;  ///< blocks that a strip could have
      typename Role::template tensor<pattern_type::capacity, block_inputs, block_outputs> values;
      LACUNA_NO_ADDRESS typename Role::template integers<std::uint32_t, pattern_type::strips + 1> begins;
      LACUNA_NO_ADDRESS typename Role::template integers<typename pattern_type::number, pattern_type::capacity> columns;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("values", s.values...);
        v("begins", s.begins...);
        v("columns", s.columns...);
      }
      /// Whether it is a pattern: no kernel reads anything where it is.
      constexpr status try_check(const path_text& path) const
        requires(Role::has_integers)
      {
        if (begins[0] != 0)
          return detail::damaged(path, "begins", 0) << "expected 0, found " << std::uint64_t{begins[0]};
        for (extent_t strip = 0; strip < pattern_type::strips; ++strip) {
          if (begins[strip + 1] < begins[strip] || begins[strip + 1] > pattern_type::capacity)
            return detail::damaged(path, "begins", strip + 1)
                   << "expected a number from " << std::uint64_t{begins[strip]} << " to "
                   << std::uint64_t{pattern_type::capacity} << ", found " << std::uint64_t{begins[strip + 1]};
          for (extent_t entry = begins[strip]; entry < begins[strip + 1]; ++entry) {
            const std::uint64_t least = entry == begins[strip] ? 0 : std::uint64_t{columns[entry - 1]} + 1;
            if (columns[entry] < least || columns[entry] >= pattern_type::places)
              return detail::damaged(path, "columns", entry)
                     << "expected a block of strip " << std::uint64_t{strip} << " from " << least << " to "
                     << std::uint64_t{pattern_type::places - 1} << ", found " << std::uint64_t{columns[entry]};
          }
        }
        for (extent_t at = begins[pattern_type::strips] * pattern_type::block_size; at < values.size; ++at)
          if (widen(values[at]) != 0)
            return detail::damaged(path, "values", at) << "expected 0 behind the last block, found another value";
        return nothing{};
      }
    };
  };
};

/// Single entries, wherever they lie: `csr<density{0.1}>`; compressed sparse rows.
template <density Stored>
using csr = blocked<1, 1, Stored>;

LACUNA_END
