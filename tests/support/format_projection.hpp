#pragma once
// What a conversion into a weight format has to give, by a second implementation without the library's own: the largest
// entries by sorting, factors by rotations of Jacobi.

#include <numeric>

#include "support/format_rig.hpp"

namespace formats {

/// The nearest matrix of a rank: columns are turned until they are orthogonal, and the longest ones kept.
/// Source: Hestenes (1958), one-sided rotations.
inline table nearest_of_rank(const table& of, extent_t rank) {
  const extent_t count = of.inputs;
  table turned = of, turns(count, count);
  for (extent_t i = 0; i < count; ++i) turns(i, i) = 1;
  const auto along = [&](extent_t p, extent_t q) {
    double sum = 0;
    for (extent_t o = 0; o < of.outputs; ++o) sum += turned(o, p) * turned(o, q);
    return sum;
  };
  const auto turn = [](table& columns, extent_t p, extent_t q, double cosine, double sine) {
    for (extent_t o = 0; o < columns.outputs; ++o) {
      const double first = columns(o, p), second = columns(o, q);
      columns(o, p) = cosine * first - sine * second;
      columns(o, q) = sine * first + cosine * second;
    }
  };
  for (int sweep = 0; sweep < 40; ++sweep)
    for (extent_t p = 0; p < count; ++p)
      for (extent_t q = p + 1; q < count; ++q) {
        const double both = along(p, q), first = along(p, p), second = along(q, q);
        if (std::fabs(both) <= 1e-16 * std::sqrt(first * second)) continue;
        const double ratio = (second - first) / (2 * both);
        const double tangent = (ratio < 0 ? -1 : 1) / (std::fabs(ratio) + std::sqrt(ratio * ratio + 1));
        const double cosine = 1 / std::sqrt(tangent * tangent + 1);
        turn(turned, p, q, cosine, cosine * tangent);
        turn(turns, p, q, cosine, cosine * tangent);
      }
  std::vector<extent_t> order(count);
  std::iota(order.begin(), order.end(), extent_t{0});
  std::sort(order.begin(), order.end(), [&](extent_t p, extent_t q) { return along(p, p) > along(q, q); });
  table made(of.outputs, of.inputs);
  for (extent_t r = 0; r < rank && r < count; ++r)
    for (extent_t o = 0; o < of.outputs; ++o)
      for (extent_t i = 0; i < count; ++i) made(o, i) += turned(o, order[r]) * turns(i, order[r]);
  return made;
}

inline table part_of(const table& of, extent_t output, extent_t outputs, extent_t input, extent_t inputs) {
  table made(outputs, inputs);
  for (extent_t o = 0; o < outputs; ++o)
    for (extent_t i = 0; i < inputs; ++i) made(o, i) = of(output + o, input + i);
  return made;
}
inline void put_part(table& to, const table& part, extent_t output, extent_t input) {
  for (extent_t o = 0; o < part.outputs; ++o)
    for (extent_t i = 0; i < part.inputs; ++i) to(output + o, input + i) = part(o, i);
}
/// Keeps `count` blocks of those that begin at the given places: those with the most squares, of equal ones the first.
inline void keep_blocks(const table& from, table& to, const std::vector<std::pair<extent_t, extent_t>>& blocks,
                        extent_t outputs, extent_t inputs, extent_t count) {
  const auto each_of = [&](extent_t block, auto&& f) {
    const auto [output, input] = blocks[block];
    for (extent_t o = output; o < std::min(output + outputs, from.outputs); ++o)
      for (extent_t i = input; i < std::min(input + inputs, from.inputs); ++i) f(o, i);
  };
  std::vector<double> squares(blocks.size());
  std::vector<extent_t> order(blocks.size());
  for (extent_t block = 0; block < blocks.size(); ++block)
    each_of(block, [&](extent_t o, extent_t i) { squares[block] += from(o, i) * from(o, i); });
  std::iota(order.begin(), order.end(), extent_t{0});
  std::sort(order.begin(), order.end(), [&](extent_t a, extent_t b) {
    return squares[a] > squares[b] || (squares[a] == squares[b] && a < b);
  });
  for (extent_t at = 0; at < count; ++at) each_of(order[at], [&](extent_t o, extent_t i) { to(o, i) = from(o, i); });
}

/// The dense weight behind what a conversion gives. Formats whose conversion is a search have none.
template <class Format>
struct projection {};
template <class Format>
concept HasProjection = requires(const table& of) { projection<Format>::of(of); };
template <class Format>
table project(const table& of) {
  return projection<Format>::of(of);
}

/// Whether a conversion makes factors, which are other ones each time, and round.
template <class Format>
inline constexpr bool uses_factors = false;
template <class Left, class Right, class Inner>
inline constexpr bool uses_factors<lc::product<Left, Right, Inner>> = true;
template <class First, class Second>
inline constexpr bool uses_factors<lc::sum<First, Second>> = true;
template <class Weight, class Order>
inline constexpr bool uses_factors<lc::permuted<Weight, Order>> = uses_factors<Weight>;
template <class Weight, extent_t Tokens>
inline constexpr bool uses_factors<lc::cached<Weight, Tokens>> = uses_factors<Weight>;
template <class Grid, class... Formats>
inline constexpr bool uses_factors<lc::tiled<Grid, Formats...>> = (false || ... || uses_factors<Formats>);

/// Whether what is of the format already is given back. Not by a sum: its first term takes from both. Nor where
/// something is searched for: the order of rows, or a sparse factor among singular vectors, which are not sparse.
template <class Format>
inline constexpr bool comes_back = true;
template <class First, class Second>
inline constexpr bool comes_back<lc::sum<First, Second>> = false;
template <class Second>
inline constexpr bool comes_back<lc::sum<lc::dense, Second>> = true;
template <extent_t N, extent_t Group, class Inner>
inline constexpr bool comes_back<lc::product<lc::n_m<N, Group>, lc::dense, Inner>> = false;
template <class Weight>
inline constexpr bool comes_back<lc::permuted<Weight, lc::ordered>> = false;

template <>
struct projection<lc::dense> {
  static table of(const table& weight) { return weight; }
};
template <extent_t R, extent_t C, lc::density Stored>
struct projection<lc::blocked<R, C, Stored>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    std::vector<std::pair<extent_t, extent_t>> blocks;
    for (extent_t o = 0; o < weight.outputs; o += R)
      for (extent_t i = 0; i < weight.inputs; i += C) blocks.emplace_back(o, i);
    const auto count = static_cast<extent_t>(std::lround(Stored.share * static_cast<double>(blocks.size())));
    keep_blocks(weight, made, blocks, R, C, count);
    return made;
  }
};
template <extent_t N, extent_t Group, extent_t Shared>
struct projection<lc::n_m<N, Group, Shared>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    for (extent_t o = 0; o < weight.outputs; o += Shared)
      for (extent_t group = 0; group < weight.inputs; group += Group) {
        std::vector<std::pair<extent_t, extent_t>> places;
        for (extent_t i = group; i < group + Group; ++i) places.emplace_back(o, i);
        keep_blocks(weight, made, places, Shared, 1, N);
      }
    return made;
  }
};
template <extent_t Blocks>
struct projection<lc::block_diagonal<Blocks>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    const extent_t outputs = weight.outputs / Blocks, inputs = weight.inputs / Blocks;
    for (extent_t b = 0; b < Blocks; ++b)
      put_part(made, part_of(weight, b * outputs, outputs, b * inputs, inputs), b * outputs, b * inputs);
    return made;
  }
};
/// Rounded to the nearest of 255 numbers up to the largest one of a row.
template <>
struct projection<lc::quantized<8>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    for (extent_t o = 0; o < weight.outputs; ++o) {
      double most = 0;
      for (extent_t i = 0; i < weight.inputs; ++i) most = std::max(most, std::fabs(weight(o, i)));
      for (extent_t i = 0; i < weight.inputs; ++i)
        made(o, i) = std::nearbyint(weight(o, i) / (most / 127)) * (most / 127);
    }
    return made;
  }
};
template <class Inner>
struct projection<lc::product<lc::dense, lc::dense, Inner>> {
  static table of(const table& weight) { return nearest_of_rank(weight, Inner::template width<16, 24>); }
};
/// Rank inner / Blocks between all outputs and each block of inputs.
template <extent_t Blocks, class Inner>
struct projection<lc::product<lc::dense, lc::block_diagonal<Blocks>, Inner>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    const extent_t inputs = weight.inputs / Blocks;
    for (extent_t b = 0; b < Blocks; ++b)
      put_part(made,
               nearest_of_rank(part_of(weight, 0, weight.outputs, b * inputs, inputs),
                               Inner::template width<16, 24> / Blocks),
               0, b * inputs);
    return made;
  }
};
/// Rank inner / Blocks^2, here a whole number, between each block of inputs and each of outputs.
template <extent_t Blocks, class Inner>
struct projection<
    lc::product<lc::block_diagonal<Blocks>, lc::permuted<lc::block_diagonal<Blocks>, lc::gathered<Blocks>>, Inner>> {
  static table of(const table& weight) {
    constexpr extent_t width = Inner::template width<16, 24>;
    static_assert(width % (Blocks * Blocks) == 0);
    table made(weight.outputs, weight.inputs);
    const extent_t outputs = weight.outputs / Blocks, inputs = weight.inputs / Blocks;
    for (extent_t l = 0; l < Blocks; ++l)
      for (extent_t k = 0; k < Blocks; ++k)
        put_part(made,
                 nearest_of_rank(part_of(weight, l * outputs, outputs, k * inputs, inputs), width / (Blocks * Blocks)),
                 l * outputs, k * inputs);
    return made;
  }
};
/// Outputs interleaved: row s * Blocks + b of the weight is row s of block b.
template <class Weight, extent_t Blocks>
struct projection<lc::permuted<Weight, lc::spread<Blocks>>> {
  static table of(const table& weight) {
    table apart(weight.outputs, weight.inputs), made = apart;
    const auto place = [&](extent_t o) { return o % Blocks * (weight.outputs / Blocks) + o / Blocks; };
    for (extent_t o = 0; o < weight.outputs; ++o) put_part(apart, part_of(weight, o, 1, 0, weight.inputs), place(o), 0);
    const table nearest = project<Weight>(apart);
    for (extent_t o = 0; o < weight.outputs; ++o) put_part(made, part_of(nearest, place(o), 1, 0, weight.inputs), o, 0);
    return made;
  }
};
/// The second term from what the first one leaves.
template <class First, class Second>
  requires HasProjection<First> && HasProjection<Second>
struct projection<lc::sum<First, Second>> {
  static table of(const table& weight) {
    table made = project<First>(weight), rest = weight;
    for (extent_t i = 0; i < rest.of.size(); ++i) rest.of[i] -= made.of[i];
    const table second = project<Second>(rest);
    for (extent_t i = 0; i < rest.of.size(); ++i) made.of[i] += second.of[i];
    return made;
  }
};
template <class Grid, class... Formats>
struct projection<lc::tiled<Grid, Formats...>> {
  static table of(const table& weight) {
    table made(weight.outputs, weight.inputs);
    const extent_t outputs = weight.outputs / Grid::rows, inputs = weight.inputs / Grid::columns;
    lc::for_each_index<Grid::rows * Grid::columns>([&](auto tile) {
      const extent_t output = tile / Grid::columns * outputs, input = tile % Grid::columns * inputs;
      put_part(made,
               project<typename lc::tiled<Grid, Formats...>::template format_of<tile>>(
                   part_of(weight, output, outputs, input, inputs)),
               output, input);
    });
    return made;
  }
};
template <class Packed, class Gradient>
struct projection<lc::masked<Packed, Gradient>> : projection<Packed> {};
template <class Weight, extent_t Tokens>
struct projection<lc::cached<Weight, Tokens>> : projection<Weight> {};

/// Of a conversion that is a search: a weight that is at least as near as any that it could find, and one that is no
/// nearer than what it finds.
template <class Format>
struct search_bounds;
/// Entries wherever they lie keep no less than blocks in any order of the rows; the order that is there keeps no more.
template <extent_t R, extent_t C, lc::density Stored>
struct search_bounds<lc::permuted<lc::blocked<R, C, Stored>, lc::ordered>> {
  static table nearer(const table& weight) { return project<lc::csr<Stored>>(weight); }
  static table plain(const table& weight) { return project<lc::blocked<R, C, Stored>>(weight); }
};
/// A sparse factor makes nothing nearer than the nearest weight of the rank, and nothing farther than 0.
template <extent_t N, extent_t Group, class Inner>
struct search_bounds<lc::product<lc::n_m<N, Group>, lc::dense, Inner>> {
  static table nearer(const table& weight) { return nearest_of_rank(weight, Inner::template width<16, 24>); }
  static table plain(const table& weight) { return table(weight.outputs, weight.inputs); }
};

}  // namespace formats
