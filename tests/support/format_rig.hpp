#pragma once
// A weight format alone: random parameters and patterns, the dense weight behind them by hand, forward and backward;
// and the list of formats that keep the laws.

#include <algorithm>
#include <cmath>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <vector>

namespace formats {
namespace lc = lacuna;
using lc::extent_t;

// --- random parameters --------------------------------------------------------------------------------------------

struct dice {
  std::uint64_t seed, drawn = 0;
  double normal() { return lc::random_normal(seed, 11, drawn++); }
  extent_t below(extent_t bound) {
    return static_cast<extent_t>(lc::random_uniform(seed, 12, drawn++) * static_cast<double>(bound)) % bound;
  }
};

/// `some` of `all` numbers, ascending.
inline std::vector<extent_t> choose(dice& with, extent_t some, extent_t all) {
  std::vector<extent_t> left(all), chosen;
  for (extent_t i = 0; i < all; ++i) left[i] = i;
  for (extent_t i = 0; i < some; ++i) {
    const extent_t at = with.below(left.size());
    chosen.push_back(left[at]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// Draws values and patterns. Integers are drawn with their structs, which know what they may be.
struct draws {
  dice& with;

  template <class Leaf>
  void operator()(Leaf& leaf) {
    using element = typename Leaf::element;
    if constexpr (!lc::is_integer<element>)
      for (auto& each : leaf.data) each = lc::convert_element<element>(0.5 * with.normal());
  }
  template <class Struct>
  void enters(Struct& of) {
    if constexpr (requires { of.begins, of.columns; })
      draw_blocks(of);
    else if constexpr (requires { of.places; })
      draw_groups(of);
    else if constexpr (requires { of.mask; })
      for (auto& each : of.mask.data) each = static_cast<std::uint8_t>(with.below(2));
    else if constexpr (requires { of.order; })
      draw_order(of);
    else if constexpr (requires { of.scale; })
      for (auto& each : of.weight.data) each = static_cast<std::int8_t>(static_cast<int>(with.below(255)) - 127);
  }

 private:
  template <class Struct>
  void draw_blocks(Struct& of) {
    const extent_t strips = of.begins.size - 1, capacity = of.columns.size, places = Struct::places;
    const auto chosen = choose(with, capacity, strips * places);
    for (extent_t entry = 0; entry < capacity; ++entry)
      of.columns[entry] = static_cast<std::remove_reference_t<decltype(of.columns[0])>>(chosen[entry] % places);
    for (extent_t strip = 0; strip <= strips; ++strip)
      of.begins[strip] = static_cast<std::uint32_t>(
          std::count_if(chosen.begin(), chosen.end(), [&](extent_t each) { return each / places < strip; }));
  }
  template <class Struct>
  void draw_groups(Struct& of) {
    for (extent_t entry = 0; entry < of.places.size; entry += Struct::kept_of_group) {
      const auto chosen = choose(with, Struct::kept_of_group, Struct::group);
      for (extent_t i = 0; i < chosen.size(); ++i) of.places[entry + i] = static_cast<std::uint8_t>(chosen[i]);
    }
  }
  template <class Struct>
  void draw_order(Struct& of) {
    for (extent_t i = of.order.size; i-- > 1;) std::swap(of.order.data[i], of.order.data[with.below(i + 1)]);
  }
};
/// Scales of quantised weights are no negative numbers, and their integers are large.
struct makes_scales {
  template <class Leaf>
  void operator()(Leaf&) const {}
  template <class Struct>
  void enters(Struct& of) const {
    if constexpr (requires { of.scale; })
      for (auto& each : of.scale.data) each = std::fabs(each) / 64;
  }
};
template <class Parameters>
void draw(Parameters& parameters, std::uint64_t seed) {
  dice with{seed};
  lc::initialise_parameters(parameters);
  draws each{with};
  lc::visit_tensors(each, parameters);
  lc::visit_tensors(makes_scales{}, parameters);
}

// --- dense weights by hand ----------------------------------------------------------------------------------------

struct table {
  extent_t outputs, inputs;
  std::vector<double> of;
  table(extent_t rows, extent_t columns) : outputs(rows), inputs(columns), of(rows * columns) {}
  double& operator()(extent_t o, extent_t i) { return of[o * inputs + i]; }
  double operator()(extent_t o, extent_t i) const { return of[o * inputs + i]; }
};

/// The weight that parameters stand for, from the format's definition.
template <class Format>
struct expansion;
template <class Format, extent_t Outputs, extent_t Inputs, class Parameters>
table expand(const Parameters& from) {
  return expansion<Format>::template of<Outputs, Inputs>(from);
}

template <>
struct expansion<lc::dense> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    for (extent_t i = 0; i < made.of.size(); ++i) made.of[i] = static_cast<double>(lc::widen(from.weight[i]));
    return made;
  }
};
template <extent_t R, extent_t C, lc::density Stored>
struct expansion<lc::blocked<R, C, Stored>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    for (extent_t strip = 0; strip * R < Outputs; ++strip)
      for (extent_t entry = from.begins[strip]; entry < from.begins[strip + 1]; ++entry)
        for (extent_t i = 0; i < C; ++i)
          for (extent_t o = 0; o < R; ++o)
            if (strip * R + o < Outputs && from.columns[entry] * C + i < Inputs)
              made(strip * R + o, from.columns[entry] * C + i) =
                  static_cast<double>(lc::widen(from.values[(entry * C + i) * R + o]));
    return made;
  }
};
template <extent_t N, extent_t Group, extent_t Shared>
struct expansion<lc::n_m<N, Group, Shared>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    extent_t entry = 0;
    for (extent_t strip = 0; strip * Shared < Outputs; ++strip)
      for (extent_t group = 0; group < Inputs / Group; ++group)
        for (extent_t k = 0; k < N; ++k, ++entry)
          for (extent_t o = 0; o < Shared && strip * Shared + o < Outputs; ++o)
            made(strip * Shared + o, group * Group + from.places[entry]) =
                static_cast<double>(lc::widen(from.values[entry * Shared + o]));
    return made;
  }
};
template <extent_t Blocks>
struct expansion<lc::block_diagonal<Blocks>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    for (extent_t b = 0; b < Blocks; ++b)
      for (extent_t o = 0; o < Outputs / Blocks; ++o)
        for (extent_t i = 0; i < Inputs / Blocks; ++i)
          made(b * (Outputs / Blocks) + o, b * (Inputs / Blocks) + i) =
              static_cast<double>(lc::widen(from.weight[(b * (Outputs / Blocks) + o) * (Inputs / Blocks) + i]));
    return made;
  }
};
template <class Left, class Right, class Inner>
struct expansion<lc::product<Left, Right, Inner>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    constexpr extent_t width = Inner::template width<Outputs, Inputs>;
    const table left = expand<Left, Outputs, width>(from.left), right = expand<Right, width, Inputs>(from.right);
    table made(Outputs, Inputs);
    for (extent_t o = 0; o < Outputs; ++o)
      for (extent_t j = 0; j < width; ++j)
        for (extent_t i = 0; i < Inputs; ++i) made(o, i) += left(o, j) * right(j, i);
    return made;
  }
};
template <class First, class Second>
struct expansion<lc::sum<First, Second>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made = expand<First, Outputs, Inputs>(from.first);
    const table second = expand<Second, Outputs, Inputs>(from.second);
    for (extent_t i = 0; i < made.of.size(); ++i) made.of[i] += second.of[i];
    return made;
  }
};
template <class Weight>
struct expansion<lc::permuted<Weight, lc::ordered>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    const table rows = expand<Weight, Outputs, Inputs>(from.weight);
    table made(Outputs, Inputs);
    for (extent_t o = 0; o < Outputs; ++o)
      for (extent_t i = 0; i < Inputs; ++i) made(o, i) = rows(from.order_part.order[o], i);
    return made;
  }
};
/// In three dimensions: the factor's outputs are (Outputs / Stride, Stride), those of the weight (Stride, ...).
template <class Weight, extent_t Stride>
struct expansion<lc::permuted<Weight, lc::gathered<Stride>>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    const table rows = expand<Weight, Outputs, Inputs>(from.weight);
    table made(Outputs, Inputs);
    for (extent_t j = 0; j < Outputs / Stride; ++j)
      for (extent_t s = 0; s < Stride; ++s)
        for (extent_t i = 0; i < Inputs; ++i) made(s * (Outputs / Stride) + j, i) = rows(j * Stride + s, i);
    return made;
  }
};
template <class Weight, extent_t Blocks>
struct expansion<lc::permuted<Weight, lc::spread<Blocks>>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    const table rows = expand<Weight, Outputs, Inputs>(from.weight);
    table made(Outputs, Inputs);
    for (extent_t b = 0; b < Blocks; ++b)
      for (extent_t j = 0; j < Outputs / Blocks; ++j)
        for (extent_t i = 0; i < Inputs; ++i) made(j * Blocks + b, i) = rows(b * (Outputs / Blocks) + j, i);
    return made;
  }
};
template <class Packed, class Gradient>
struct expansion<lc::masked<Packed, Gradient>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    for (extent_t i = 0; i < made.of.size(); ++i)
      made.of[i] = from.mask[i] * static_cast<double>(lc::widen(from.weight[i]));
    return made;
  }
};
template <extent_t Bits, class Activations>
struct expansion<lc::quantized<Bits, Activations>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    table made(Outputs, Inputs);
    for (extent_t i = 0; i < made.of.size(); ++i)
      made.of[i] = static_cast<double>(lc::widen(from.scale[i / Inputs])) * from.weight[i];
    return made;
  }
};
template <class Weight, extent_t Tokens>
struct expansion<lc::cached<Weight, Tokens>> : expansion<Weight> {};
template <class Grid, class... Formats>
struct expansion<lc::tiled<Grid, Formats...>> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static table of(const Parameters& from) {
    using format = lc::tiled<Grid, Formats...>;
    constexpr extent_t outputs = Outputs / Grid::rows, inputs = Inputs / Grid::columns;
    table made(Outputs, Inputs);
    lc::for_each_index<Grid::rows * Grid::columns>([&](auto tile) {
      const table part =
          expand<typename format::template format_of<tile>, outputs, inputs>(from.tiles_part.template at<tile>());
      for (extent_t o = 0; o < outputs; ++o)
        for (extent_t i = 0; i < inputs; ++i)
          made(tile / Grid::columns * outputs + o, tile % Grid::columns * inputs + i) = part(o, i);
    });
    return made;
  }
};

// --- the format alone ---------------------------------------------------------------------------------------------

template <class Format, extent_t Outputs, extent_t Inputs, class Value = double, class Backend = lc::reference,
          template <class, extent_t> class Plan = lc::keep, extent_t Tokens = 9>
struct rig {
  using bound = typename Format::template bound<Outputs, Inputs>;
  static constexpr extent_t tokens = Tokens;
  struct all_parts {
    typename bound::template parameters<lc::weights<Value>> parameters;
    typename bound::template parameters<lc::gradients<Value>> gradients;
    typename bound::template memory<Plan<Value, Tokens>> memory;
    typename bound::template memory<lc::reuse<Value, Tokens>> adjoint;
    typename bound::template derived<lc::target<Value, Value, Backend>> derived;
    lc::tensor<Value, Tokens, Inputs> x, dx;
    lc::tensor<Value, Tokens, Outputs> y, dy;
  };
  std::unique_ptr<all_parts> parts = std::make_unique<all_parts>();
  static constexpr Backend backend{};
  static constexpr lc::nothing shared{};

  explicit rig(std::uint64_t seed = 1) {
    draw(parts->parameters, seed);
    dice with{seed + 100};
    for (auto& each : parts->x.data) each = static_cast<Value>(with.normal());
    for (auto& each : parts->dy.data) each = static_cast<Value>(with.normal());
    refresh();
  }
  void refresh() { bound::refresh(parts->parameters, parts->derived); }
  template <class On>
  void forward_on(const On& on, extent_t first, extent_t count) {
    bound::forward(parts->parameters, parts->memory, parts->derived, parts->x.view().slice(first, count),
                   parts->y.view().slice(first, count), lc::run<On, lc::nothing>{0, on, shared});
  }
  void forward(extent_t first = 0, extent_t count = Tokens) { forward_on(backend, first, count); }
  void backward() {
    bound::backward(parts->parameters, parts->gradients, parts->memory, parts->adjoint, parts->derived, parts->x.view(),
                    parts->dy.view(), parts->dx.view(), lc::run<Backend, lc::nothing>{0, backend, shared});
  }
  table dense() const { return expand<Format, Outputs, Inputs>(parts->parameters); }
};

// --- the formats that keep the laws -------------------------------------------------------------------------------

/// A format, and the sizes of the weight that it is tried with.
template <class Format, extent_t Outputs = 16, extent_t Inputs = 24>
struct sized {
  using format = Format;
  static constexpr extent_t outputs = Outputs, inputs = Inputs;
  using bound = typename Format::template bound<Outputs, Inputs>;
  template <class Role>
  using parameters = typename bound::template parameters<Role>;
  template <class Value = double, class Backend = lc::reference, template <class, extent_t> class Plan = lc::keep>
  using rig_of = rig<Format, Outputs, Inputs, Value, Backend, Plan>;
};

using tenth = lc::csr<lc::density{0.1}>;
using half_blocks = lc::blocked<4, 1, lc::density{0.5}>;
using rank_four = lc::product<lc::dense, lc::dense, lc::inner<4>>;

using atoms =
    lc::type_list<sized<lc::dense>, sized<tenth>, sized<tenth, 13, 21>, sized<half_blocks>,
                  sized<lc::blocked<4, 1, lc::density{1}>>, sized<lc::blocked<4, 3, lc::density{0.35}>, 13, 22>,
                  sized<lc::blocked<16, 1, lc::density{0.25}>, 21, 9>, sized<lc::n_m<2, 4>>, sized<lc::n_m<1, 8, 4>>,
                  sized<lc::n_m<3, 7, 4>, 18, 21>, sized<lc::block_diagonal<4>>, sized<lc::quantized<8>>>;
using compositions = lc::type_list<
    sized<rank_four>, sized<lc::block_dense<4, lc::inner<8>>>, sized<lc::block_shuffle<4>>, sized<lc::monarch<4>>,
    sized<lc::sum<lc::dense, rank_four>>, sized<lc::sum<tenth, rank_four>>, sized<lc::sum<lc::quantized<8>, rank_four>>,
    sized<lc::permuted<half_blocks, lc::ordered>>, sized<lc::product<lc::n_m<2, 8>, lc::dense, lc::inner<8>>>,
    sized<lc::tiled<lc::grid<2, 3>, half_blocks>>,
    sized<lc::tiled<lc::grid<2, 2>, lc::dense, tenth, rank_four, lc::n_m<2, 4>>>, sized<lc::masked<tenth>>,
    sized<lc::masked<lc::block_diagonal<4>>>, sized<lc::cached<lc::monarch<2>, 4>>, sized<lc::cached<rank_four>>,
    sized<lc::sum<lc::masked<lc::n_m<2, 4>>, lc::sum<tenth, rank_four>>>>;

template <class Case, class Value = double>
using weights_of = typename Case::template parameters<lc::weights<Value>>;
/// A weight's parameters on the heap, as they are at first.
template <class Case, class Value = double>
std::unique_ptr<weights_of<Case, Value>> empty_weight() {
  auto made = std::make_unique<weights_of<Case, Value>>();
  lc::initialise_parameters(*made);
  return made;
}
template <class Case, class Parameters>
table dense_of(const Parameters& of) {
  return expand<typename Case::format, Case::outputs, Case::inputs>(of);
}
/// Which entries of the dense weight a format stores: where it is not 0 when every number that is stored is one that no
/// integers cancel.
template <class Case, class Parameters>
std::vector<bool> stored_entries(const Parameters& of) {
  const auto alike = std::make_unique<Parameters>(of);
  lc::visit_tensors(
      []<class Leaf>(Leaf& each) {
        if constexpr (!lc::is_integer<typename Leaf::element>)
          for (auto& number : each.data) number = 1.37;
      },
      *alike);
  std::vector<bool> found;
  for (const double each : dense_of<Case>(*alike).of) found.push_back(each != 0);
  return found;
}

/// Calls `f(case)` for every format of a list.
template <class... Cases, class Function>
void for_every(lc::type_list<Cases...>, Function&& f) {
  (f(Cases{}), ...);
}

}  // namespace formats
