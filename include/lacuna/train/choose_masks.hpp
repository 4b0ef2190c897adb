#pragma once
/// Masks that are chosen anew, and come slowly, while a model learns.

#include <lacuna/format/choose_mask.hpp>
#include <lacuna/format/masked.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/train/rules.hpp>

LACUNA_BEGIN

/// What became of the masks of a model, all of them together.
struct mask_report {
  std::uint64_t entries = 0;  ///< of masked weights
  std::uint64_t kept = 0;
  std::uint64_t changed = 0;  ///< entries that came or went
};

namespace detail {

/// A struct of parameters that holds a mask for a format.
template <class Struct>
concept Masked = requires { typename Struct::masked_for; };

struct counts_masked {
  extent_t count = 0, decaying = 0;
  template <class Leaf>
  constexpr void operator()(const Leaf&) const noexcept {}
  template <class Struct>
  constexpr void enters(const Struct&) noexcept {
    if constexpr (Masked<Struct>) ++count, decaying += Struct::mask_decays ? 1 : 0;
  }
};
/// How many weights of a bound recipe are masked.
template <class Bound>
inline constexpr counts_masked masked_weights = [] {
  typename Bound::template parameters<shapes<float>> walked{};
  counts_masked counts;
  visit_tensors(counts, walked);
  return counts;
}();

struct checks_masked_weights {
  status found = nothing{};

  template <class Leaf>
  constexpr void operator()(const char*, const Leaf&) const noexcept {}
  template <class Struct>
  constexpr bool enters(const path_text& path, const Struct& of) {
    if constexpr (Masked<Struct>)
      for (extent_t i = 0; i < of.weight.size && found.ok(); ++i)
        if (const auto entry = widen(of.weight[i]); !maths::is_finite(entry))
          found = error(error_kind::value, "lacuna::choose_masks: '")
                  << path << ".weight': element " << std::uint64_t{i} << ": expected a finite number, found "
                  << (maths::is_nan(entry) ? "NaN" : "infinity");
    return found.ok();
  }
};

/// A mask that is chosen anew: what it will be is written beside what it is.
template <extent_t Inputs>
struct next_mask {
  struct entry {
    std::uint8_t& of;
    constexpr void operator=(std::uint8_t keeps) const noexcept {
      of = static_cast<std::uint8_t>((of & 1) | keeps << 1);
    }
    constexpr bool operator!=(int other) const noexcept { return of >> 1 != other; }
  };
  std::uint8_t* mask;
  constexpr entry operator()(extent_t output, extent_t input) const noexcept { return {mask[output * Inputs + input]}; }
};

struct chooses_masks {
  mask_scope scope;
  mask_report report{};

  template <class Leaf>
  constexpr void operator()(Leaf&) const noexcept {}
  template <class Struct>
  constexpr void enters(Struct& of) {
    if constexpr (Masked<Struct>) {
      constexpr extent_t outputs = decltype(of.weight)::extents[0], inputs = decltype(of.weight)::extents[1];
      next_mask<inputs> next{of.mask.data};
      masks_of<typename Struct::masked_for>::template by_magnitude<outputs, inputs>(of.weight.view(), next, scope);
      report.entries += of.mask.size;
      for (auto& each : of.mask.data) {
        report.changed += each >> 1 != (each & 1) ? 1 : 0;
        each = static_cast<std::uint8_t>(each >> 1);
        report.kept += each;
      }
    }
  }
};

struct sets_shares {
  double share;

  template <class Leaf>
  constexpr void operator()(Leaf&) const noexcept {}
  template <class Struct>
  constexpr void enters(Struct& of) const noexcept {
    if constexpr (Masked<Struct>)
      if constexpr (Struct::mask_decays)
        of.left_in[0] = static_cast<std::uint32_t>(share * static_cast<double>(whole_left_in) + 0.5);
  }
};

}  // namespace detail

/// Gives every masked weight of a model the mask that its packed format asks for: the largest N of every M, the largest
/// entries or blocks of the weight, or of each row or strip of it, the blocks along a diagonal; of equal ones the
/// first. Masks of `straight_through` and `sr_ste` move, since what they leave out learns; those of `kept_entries` stay
/// once what they leave out is 0. Updates the model.
///
/// Call it between steps, as a function of their number (every tenth), so that a training that was resumed chooses at
/// the same steps. `changed` over `entries` is the rate at which masks flip. Nothing is allocated. At most eight passes
/// over each weight; for N of M, N times the weight's entries are compared. Error: an entry of a masked weight is not
/// finite; all masks are what they were.
/// Source: Zhou et al. (2021), arXiv 2102.04010, section 3, which chooses before every forward.
template <class Model>
constexpr outcome<mask_report> try_choose_masks(Model& of, mask_scope scope = mask_scope::weight) {
  static_assert(
      __is_base_of(nothing, rules::some_weight_is_masked<(detail::masked_weights<typename Model::bound>.count > 0)>) ||
      true);
  detail::checks_masked_weights checks;
  visit_named(checks, of.parameters());
  if (!checks.found.ok()) return checks.found.why();
  detail::chooses_masks chooses{scope};
  visit_tensors(chooses, of.parameters_to_write());
  of.update();
  return chooses.report;
}

/// Multiplies what the `decaying` masks of a model leave out by a share from 1, the dense weights bit for bit, to 0,
/// the hard masks, rounded to a 2^24th. Updates the model. Call it between steps with a schedule of their number, such
/// as `linear_schedule{1, 0}` or `exponential_schedule{.speed = 8}`, and at last with 0. Error: no such share; nothing
/// changes.
template <class Model>
constexpr status try_decay_masks(Model& of, double share) {
  static_assert(
      __is_base_of(nothing, rules::some_mask_decays<(detail::masked_weights<typename Model::bound>.decaying > 0)>) ||
      true);
  if (!(share >= 0 && share <= 1))
    return error(error_kind::value, "lacuna::decay_masks: expected a share from 0 to 1, found ") << share;
  visit_tensors(detail::sets_shares{share}, of.parameters_to_write());
  of.update();
  return nothing{};
}

LACUNA_END
