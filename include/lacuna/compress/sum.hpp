#pragma once
/// Into sums and tiles.

#include <lacuna/compress/converter.hpp>
#include <lacuna/format/sum.hpp>
#include <lacuna/format/tiled.hpp>

LACUNA_BEGIN

/// The first term from the weight, the second from what the first one loses: sparse and low-rank. A first term that
/// loses nothing leaves a second one of zeros.
template <class First, class Second>
struct converter<sum<First, Second>> {
  using format = sum<First, Second>;
  static constexpr bool takes_mask = detail::takes_mask<First>;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    if (auto converted = converter<First>::template convert<Outputs, Inputs>(from, to.first, choices); !converted.ok())
      return converted;
    using map = typename format::template bound<Outputs, Inputs>::first_map;
    const weight_matrix kept = multiply_out<map, Outputs, Inputs, typename Parameters::element>(to.first);
    if (kept.values.size() != from.values.size())
      return error(error_kind::memory, "lacuna::convert: expected memory to multiply the weight out, found too little");
    conversion_choices of_the_rest = choices;
    of_the_rest.mask = nullptr;
    return converter<Second>::template convert<Outputs, Inputs>(from.without(kept), to.second, of_the_rest);
  }
};

/// Each tile by itself.
template <class Grid, class... Formats>
struct converter<tiled<Grid, Formats...>> {
  using format = tiled<Grid, Formats...>;
  static constexpr bool takes_mask = (true && ... && detail::takes_mask<Formats>);
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using bound = typename format::template bound<Outputs, Inputs>;
    status converted = nothing{};
    for_each_index<bound::count>([&](auto tile) {
      if (!converted.ok()) return;
      conversion_choices of_tile = choices;
      weight_mask mask(bound::tile_outputs, bound::tile_inputs);
      const extent_t output = tile / bound::columns_of_tiles * bound::tile_outputs;
      const extent_t input = tile % bound::columns_of_tiles * bound::tile_inputs;
      if (choices.mask != nullptr) {
        for (extent_t o = 0; o < mask.outputs; ++o)
          for (extent_t i = 0; i < mask.inputs; ++i) mask(o, i) = (*choices.mask)(output + o, input + i);
        of_tile.mask = &mask;
      }
      converted = converter<typename format::template format_of<tile>>::template convert<bound::tile_outputs,
                                                                                         bound::tile_inputs>(
          from.part(output, bound::tile_outputs, input, bound::tile_inputs), to.tiles_part.template at<tile>(),
          of_tile);
    });
    return converted;
  }
};

LACUNA_END
