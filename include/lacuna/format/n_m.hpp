#pragma once
/// N of every M inputs are stored.

#include <lacuna/format/blocked.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct n_of_m_is_possible {
  static_assert(
      Fine,
      "lacuna::n_m: N of M entries cannot be stored (write n_m<N, M> with 0 < N <= M <= 256, and outputs that "
      "share a pattern above 0)");
};
template <bool Fine>
struct groups_divide_the_inputs {
  static_assert(Fine,
                "lacuna::n_m: the groups do not divide the inputs of the weight (choose a group that divides the width "
                "and the hidden width, or keep this projection dense)");
};
}  // namespace rules

/// A weight of which `Kept` of every `Group` consecutive inputs are stored, the same ones for `SharedBy` consecutive
/// outputs: `n_m<2, 4>` chooses for every output alone, `n_m<2, 4, 16>` for 16 together. `(tokens, inputs) ->
/// (tokens, outputs)`, Kept / Group of the dense product's multiply-adds; the group has to divide the inputs.
///
/// Paths: `values` `(entries, outputs of a strip)`, `places` `(entries)`: of each entry its place within its group,
/// ascending there, 8 bits. The first `Kept` of each group at first. What it gains depends on
/// sizes and tokens: see docs/museum/weights.md.
/// Source: Zhou et al. (2021), arXiv 2102.04010, section 3.
template <extent_t Kept, extent_t Group, extent_t SharedBy = 1>
struct n_m {
  static constexpr bool fine = Kept > 0 && Kept <= Group&& Group <= 256 && SharedBy > 0;
  static_assert(__is_base_of(nothing, rules::n_of_m_is_possible<fine>) || true);
  using slot = slots::format;
  static constexpr extent_t kept = fine ? Kept : 1, group = fine ? Group : 1, shared_by = fine ? SharedBy : 1;
  static constexpr auto name = [] {
    if constexpr (shared_by == 1)
      return fixed_string("n_m<") + decimal<kept>() + ":" + decimal<group>() + ">";
    else
      return fixed_string("n_m<") + decimal<kept>() + ":" + decimal<group>() + ", " + decimal<shared_by>() + ">";
  }();

  template <extent_t Outputs, extent_t Inputs>
  using asks = rules::groups_divide_the_inputs<Inputs % group == 0>;
  template <extent_t Outputs, extent_t Inputs>
  struct layout {
    static constexpr bool divides = Inputs % group == 0;
    static_assert(__is_base_of(nothing, asks<Outputs, Inputs>) || true);
    using pattern_type = std::conditional_t<divides, grouped_blocks<Outputs, Inputs, shared_by, kept, group>,
                                            grouped_blocks<Outputs, Inputs, shared_by, 1, 1>>;
    template <class Parameters>
    LACUNA_HD static constexpr pattern_type pattern(const Parameters& parameters) noexcept {
      return pattern_type(parameters.places.data);
    }
  };

  template <extent_t Outputs, extent_t Inputs>
  struct bound : detail::bound_blocks<layout<Outputs, Inputs>> {
    using pattern_type = typename layout<Outputs, Inputs>::pattern_type;

    template <class Role>
    struct parameters {
      static constexpr extent_t kept_of_group = pattern_type::kept, group = pattern_type::group;
      typename Role::template tensor<pattern_type::capacity, shared_by> values;
      LACUNA_NO_ADDRESS typename Role::template integers<std::uint8_t, pattern_type::capacity> places;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("values", s.values...);
        v("places", s.places...);
      }
      /// Whether it is a pattern: no kernel reads anything where it is.
      constexpr status try_check(const path_text& path) const
        requires(Role::has_integers)
      {
        for (extent_t entry = 0; entry < pattern_type::capacity; ++entry) {
          const std::uint64_t least = entry % kept == 0 ? 0 : std::uint64_t{places[entry - 1]} + 1;
          if (places[entry] < least || places[entry] >= group)
            return detail::damaged(path, "places", entry)
                   << "expected a place within its group from " << least << " to " << std::uint64_t{group - 1}
                   << ", found " << std::uint64_t{places[entry]};
        }
        return nothing{};
      }
      /// The first of each group.
      LACUNA_HD constexpr void initialise() noexcept {
        for (extent_t entry = 0; entry < pattern_type::capacity; ++entry)
          places[entry] = static_cast<std::uint8_t>(entry % pattern_type::kept);
      }
    };
  };
};

LACUNA_END
