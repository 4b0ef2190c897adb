#pragma once
/// Into sparse formats: a mask, and the entries that it keeps.

#include <lacuna/compress/dense.hpp>
#include <lacuna/format/masked.hpp>

LACUNA_BEGIN

namespace detail {

/// A format without masks and caches around it: what has its pattern, and is converted as it is.
template <class Format>
struct bare_format {
  using type = Format;
};
template <class Packed, class Gradient>
struct bare_format<masked<Packed, Gradient>> : bare_format<Packed> {};
template <class Weight, extent_t Tokens>
struct bare_format<cached<Weight, Tokens>> : bare_format<Weight> {};
template <class Format>
using bare = typename bare_format<Format>::type;

/// The given mask, or the one by magnitude.
template <class Format, extent_t Outputs, extent_t Inputs>
weight_mask mask_for(const weight_matrix& from, const conversion_choices& choices) {
  if (choices.mask != nullptr) return *choices.mask;
  weight_mask mask(Outputs, Inputs);
  masks_of<bare<Format>>::template by_magnitude<Outputs, Inputs>(from, mask, choices.scope);
  return mask;
}

/// Whether a mask keeps any entry of a block.
inline bool keeps_some(const weight_mask& mask, extent_t output, extent_t some_outputs, extent_t input,
                       extent_t some_inputs) {
  for (extent_t o = output; o < output + some_outputs && o < mask.outputs; ++o)
    for (extent_t i = input; i < input + some_inputs && i < mask.inputs; ++i)
      if (mask(o, i) != 0) return true;
  return false;
}

/// The values of an entry, in the order in which blocks store them; where the mask keeps nothing, 0.
template <class Pattern, class Element>
void store_block(const weight_matrix& from, const weight_mask& mask, extent_t strip, extent_t input, Element* to) {
  for (extent_t i = 0; i < Pattern::block_inputs; ++i)
    for (extent_t o = 0; o < Pattern::block_outputs; ++o) {
      const extent_t output = strip * Pattern::block_outputs + o;
      const bool kept = output < from.outputs && input + i < from.inputs && mask(output, input + i) != 0;
      to[i * Pattern::block_outputs + o] = kept ? convert_element<Element>(from(output, input + i)) : Element{};
    }
}

}  // namespace detail

/// The blocks in which the mask keeps anything: those of the largest squares, or those of a given mask, at most as many
/// as the format has room for. A kept entry that is 0 is stored.
template <extent_t BlockOutputs, extent_t BlockInputs, density Stored>
struct converter<blocked<BlockOutputs, BlockInputs, Stored>> {
  using format = blocked<BlockOutputs, BlockInputs, Stored>;
  static constexpr bool takes_mask = true;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using pattern = typename format::template bound<Outputs, Inputs>::pattern_type;
    const weight_mask mask = detail::mask_for<format, Outputs, Inputs>(from, choices);
    extent_t wanted = 0;
    for (extent_t strip = 0; strip < pattern::strips; ++strip)
      for (extent_t place = 0; place < pattern::places; ++place)
        wanted += detail::keeps_some(mask, strip * BlockOutputs, BlockOutputs, place * BlockInputs, BlockInputs);
    if (wanted > pattern::capacity) {
      error wrong(error_kind::shape, "lacuna::convert: expected a mask of at most ");
      return wrong << pattern::capacity << " blocks, found " << wanted << " (raise the density of the format)";
    }
    const auto clear = [](auto& tensor) {
      for (auto& each : tensor.data) each = {};
    };
    clear(to.values), clear(to.begins), clear(to.columns);
    extent_t entry = 0;
    for (extent_t strip = 0; strip < pattern::strips; ++strip) {
      for (extent_t place = 0; place < pattern::places; ++place) {
        if (!detail::keeps_some(mask, strip * BlockOutputs, BlockOutputs, place * BlockInputs, BlockInputs)) continue;
        to.columns[entry] = static_cast<typename pattern::number>(place);
        detail::store_block<pattern>(from, mask, strip, place * BlockInputs,
                                     to.values.data + entry * pattern::block_size);
        ++entry;
      }
      to.begins[strip + 1] = static_cast<std::uint32_t>(entry);
    }
    return nothing{};
  }
};

/// The entries that the mask keeps, exactly N of each group; a given mask may keep fewer: zeros fill up.
template <extent_t Kept, extent_t Group, extent_t SharedBy>
struct converter<n_m<Kept, Group, SharedBy>> {
  using format = n_m<Kept, Group, SharedBy>;
  static constexpr bool takes_mask = true;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using pattern = typename format::template bound<Outputs, Inputs>::pattern_type;
    const weight_mask mask = detail::mask_for<format, Outputs, Inputs>(from, choices);
    for (extent_t strip = 0; strip < pattern::strips; ++strip)
      for (extent_t group = 0; group < Inputs / Group; ++group) {
        extent_t kept = 0;
        for (extent_t place = 0; place < Group; ++place)
          kept += detail::keeps_some(mask, strip * SharedBy, SharedBy, group * Group + place, 1);
        if (kept > Kept) {
          error wrong(error_kind::shape, "lacuna::convert: expected a mask of at most ");
          return wrong << Kept << " in group " << group << " of strip " << strip << ", found " << kept
                       << " (choose the mask by lacuna::keep_n_of_m)";
        }
        extent_t entry = pattern::per_strip * strip + group * Kept, missing = Kept - kept;
        for (extent_t place = 0; place < Group; ++place) {
          const bool some = detail::keeps_some(mask, strip * SharedBy, SharedBy, group * Group + place, 1);
          if (!some && missing == 0) continue;
          if (!some) --missing;
          to.places[entry] = static_cast<std::uint8_t>(place);
          detail::store_block<pattern>(from, mask, strip, group * Group + place,
                                       to.values.data + entry * pattern::block_size);
          ++entry;
        }
      }
    return nothing{};
  }
};

/// The blocks along the diagonal; the rest is lost. A given mask keeps nothing outside them; what it leaves out of them
/// is 0.
template <extent_t Blocks>
struct converter<block_diagonal<Blocks>> {
  static constexpr bool takes_mask = true;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using element = std::remove_reference_t<decltype(to.weight[0])>;
    constexpr extent_t inside = Inputs / Blocks;
    for (extent_t o = 0; o < Outputs; ++o) {
      const extent_t first = o / (Outputs / Blocks) * inside;
      for (extent_t i = 0; choices.mask != nullptr && i < Inputs; ++i)
        if ((i < first || i >= first + inside) && (*choices.mask)(o, i) != 0) {
          error wrong(error_kind::shape, "lacuna::convert: expected a mask that keeps nothing outside the ");
          return wrong << Blocks << " blocks, found output " << o << ", input " << i
                       << " kept (leave it out, or choose a format without blocks)";
        }
      for (extent_t i = 0; i < inside; ++i) {
        const bool kept = choices.mask == nullptr || (*choices.mask)(o, first + i) != 0;
        to.weight[o * inside + i] = kept ? convert_element<element>(from(o, first + i)) : element{};
      }
    }
    return nothing{};
  }
};

/// All entries, and the mask that the packed format would have, or the given one.
template <class Packed, class Gradient>
struct converter<masked<Packed, Gradient>> {
  static constexpr bool takes_mask = true;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    detail::store(from, to.weight);
    const weight_mask mask = detail::mask_for<Packed, Outputs, Inputs>(from, choices);
    for (extent_t i = 0; i < to.mask.size; ++i) to.mask[i] = mask.kept[i] != 0;
    return nothing{};
  }
};

namespace detail {

/// The values of a masked weight in the pattern of its mask.
template <class Packed, class Masked, class Element, extent_t Outputs, extent_t Inputs, class Parameters>
status pack_by_mask(const Masked& from, const tensor<Element, Outputs, Inputs>& weight, Parameters& to) {
  weight_mask mask(Outputs, Inputs);
  for (extent_t i = 0; i < from.mask.size; ++i) mask.kept[i] = from.mask[i];
  conversion_choices choices;
  choices.mask = &mask;
  return converter<Packed>::template convert<Outputs, Inputs>(weight_matrix(weight), to, choices);
}

}  // namespace detail

/// Packs a masked weight into the format whose pattern its mask has. Errors: a mask that has more than that.
template <class Packed, class Gradient, extent_t Outputs, extent_t Inputs, class Element>
status try_pack_masked(const typename masked<Packed, Gradient>::template bound<Outputs, Inputs>::template parameters<
                           weights<Element>>& from,
                       typename Packed::template bound<Outputs, Inputs>::template parameters<weights<Element>>& to) {
  return detail::pack_by_mask<Packed>(from, from.weight, to);
}

LACUNA_END
