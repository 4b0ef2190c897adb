#pragma once
/// A weight in tiles, each in a format of its own.

#include <lacuna/core/flat_tuple.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/expression.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// How a weight is cut: `grid<2, 3>` is 2 rows of 3 tiles.
template <extent_t Rows, extent_t Columns>
struct grid {
  static constexpr extent_t rows = Rows, columns = Columns;
};

namespace detail {

/// Whether a type says how a weight is cut.
template <class Type>
inline constexpr bool is_grid = requires { requires(Type::rows > 0 && Type::columns > 0); };

}  // namespace detail

namespace rules {
template <bool Fine>
struct tiles_divide_the_weight {
  static_assert(Fine,
                "lacuna::tiled: the grid does not divide the outputs and the inputs of the weight (choose numbers of "
                "tiles that divide them)");
};
template <class Grid>
struct tiles_lie_in_a_grid {
  static_assert(detail::is_grid<Grid>,
                "lacuna::tiled: the first argument is no grid (write grid<rows, columns> with numbers above 0)");
};
template <bool Fine>
struct a_tile_has_a_format {
  static_assert(
      Fine,
      "lacuna::tiled: there are not as many formats as tiles (write one format for all, or one for each tile, "
      "row by row)");
};
}  // namespace rules

/// A weight in equal tiles, all in one format, or each in its own, row by row: `tiled<grid<1, 4>, product<n_m<4, 16>,
/// dense, inner<64>>>`. `(tokens, inputs) -> (tokens, outputs)`; the multiply-adds of all tiles. Paths:
/// `tiles.<number>` and what the tile stores. Source: blocks of columns with a basis each: Chand et al. (2023),
/// DSFormer, arXiv 2312.13211, section 3, of which no code was found.
template <class Grid, class... Formats>
struct tiled {
  static_assert(__is_base_of(nothing, rules::tiles_lie_in_a_grid<Grid>) || true);
  using slot = slots::format;
  using cut = std::conditional_t<detail::is_grid<Grid>, Grid, grid<1, 1>>;
  static constexpr extent_t tiles = cut::rows * cut::columns, given = sizeof...(Formats);
  static constexpr bool fine = given == 1 || given == tiles;
  static_assert(__is_base_of(nothing, rules::a_tile_has_a_format<fine || !detail::is_grid<Grid>>) || true);
  static constexpr bool linear = (true && ... && is_linear<checked<Formats, slots::format>>);
  using parts = type_list<Formats...>;
  template <class... New>
  using rebuild = tiled<Grid, New...>;
  static constexpr auto name = fixed_string("tiled<") + decimal<cut::rows>() + "x" + decimal<cut::columns>() +
                               (fixed_string("") + ... + (fixed_string(", ") + checked<Formats, slots::format>::name)) +
                               ">";
  template <extent_t Tile>
  using format_of = checked<type_at<(given == 1 || !fine ? 0 : Tile), Formats..., dense>, slots::format>;

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    static constexpr bool divides =
        fine && Outputs % (fine ? cut::rows : 1) == 0 && Inputs % (fine ? cut::columns : 1) == 0;
    static_assert(__is_base_of(nothing, rules::tiles_divide_the_weight<divides || !fine>) || true);
    static constexpr extent_t rows_of_tiles = divides ? cut::rows : 1, columns_of_tiles = divides ? cut::columns : 1;
    static constexpr extent_t tile_outputs = Outputs / rows_of_tiles, tile_inputs = Inputs / columns_of_tiles;
    static constexpr extent_t count = rows_of_tiles * columns_of_tiles;
    template <extent_t Tile>
    using map = typename format_of<Tile>::template bound<tile_outputs, tile_inputs>;

    template <class Sequence>
    struct members;
    template <std::size_t... Tile>
    struct members<std::index_sequence<Tile...>> {
      template <class Role>
      using parameters = flat_tuple<typename map<Tile>::template parameters<Role>...>;
      template <class Plan>
      using memory = flat_tuple<typename map<Tile>::template memory<Plan>...>;
      template <class Target>
      using derived = flat_tuple<typename map<Tile>::template derived<Target>...>;
    };
    using all = members<std::make_index_sequence<count>>;

    template <class Role>
    struct parameters {
      typename all::template parameters<Role> tiles_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        for_each_index<count>([&](auto i) { v("tiles", extent_t{i}, s.tiles_part.template at<i>()...); });
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<tile_inputs> x;   ///< the inputs of a column of tiles; as an adjoint: theirs
      typename Plan::template buffer<tile_outputs> y;  ///< what one tile gives; as an adjoint: the outputs of its row
      typename all::template memory<Plan> tiles;
    };
    template <class Target>
    using derived = typename all::template derived<Target>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      for_each_index<count>(
          [&](auto i) { map<i>::refresh(parameters.tiles_part.template at<i>(), derived.template at<i>()); });
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto part = memory.x.first(x.count);
      const auto result = memory.y.first(x.count);
      y.fill(0);
      for_each_index<count>([&](auto i) {
        run.copy_columns(part, x, i % columns_of_tiles * tile_inputs);
        map<i>::forward(parameters.tiles_part.template at<i>(), memory.tiles.template at<i>(), derived.template at<i>(),
                        part, result, run);
        run.add_columns(y, result, i / columns_of_tiles * tile_outputs);
      });
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      const auto part = memory.x.first(x.count), dpart = adjoint.x.first(x.count);
      const auto dresult = adjoint.y.first(x.count);
      for_each_index<count>([&](auto i) {
        run.copy_columns(part, x, i % columns_of_tiles * tile_inputs);
        run.copy_columns(dresult, dy, i / columns_of_tiles * tile_outputs);
        dpart.fill(0);
        map<i>::backward(parameters.tiles_part.template at<i>(), gradients.tiles_part.template at<i>(),
                         memory.tiles.template at<i>(), adjoint.tiles.template at<i>(), derived.template at<i>(), part,
                         dresult, dpart, run);
        run.add_columns(dx, dpart, i % columns_of_tiles * tile_inputs);
      });
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      std::uint64_t total = 0;
      for_each_index<count>([&](auto i) { total += map<i>::multiply_adds(tokens); });
      return total;
    }
  };
};

LACUNA_END
