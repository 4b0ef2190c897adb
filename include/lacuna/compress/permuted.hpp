#pragma once
/// Into weights with their outputs in another order; and the order in which blocks keep most.

#include <lacuna/compress/blocked.hpp>
#include <lacuna/format/permuted.hpp>

LACUNA_BEGIN

namespace detail {

template <class Weight, class Order>
struct bare_format<permuted<Weight, Order>> {
  using type = permuted<bare<Weight>, Order>;
};

/// A weight's rows in another order: row `order[i]` becomes row i.
inline weight_matrix rows_in_order(const weight_matrix& of, const std::vector<extent_t>& order) {
  weight_matrix made(of.outputs, of.inputs);
  for (extent_t o = 0; o < of.outputs; ++o)
    for (extent_t i = 0; i < of.inputs; ++i) made(o, i) = of(order[o], i);
  return made;
}

/// How many outputs of a format share where their values lie, and how many inputs each keeps.
template <class Format, extent_t Outputs, extent_t Inputs>
struct strips_of {
  static constexpr extent_t outputs = 1, inputs = Inputs;
};
template <class Format, extent_t Outputs, extent_t Inputs>
  requires requires { typename Format::template bound<Outputs, Inputs>::pattern_type; }
struct strips_of<Format, Outputs, Inputs> {
  using pattern = typename Format::template bound<Outputs, Inputs>::pattern_type;
  static constexpr extent_t outputs = pattern::block_outputs;
  static constexpr extent_t kept = (pattern::capacity + pattern::strips - 1) / pattern::strips * pattern::block_inputs;
  static constexpr extent_t inputs = kept < Inputs ? kept : Inputs;
};

/// What a mask keeps of a weight: the sum of squares.
inline double kept_squares(const weight_matrix& of, const weight_mask& mask) {
  double sum = 0;
  for (extent_t i = 0; i < of.values.size(); ++i) sum += mask.kept[i] != 0 ? of.values[i] * of.values[i] : 0;
  return sum;
}

/// A weight whose row i is row `rows[i]` of the given one, with the mask's rows in the same order.
template <class Weight, extent_t Outputs, extent_t Inputs, class Parameters>
status convert_reordered(const weight_matrix& from, const std::vector<extent_t>& order, Parameters& to,
                         const conversion_choices& choices) {
  conversion_choices reordered = choices;
  weight_mask mask;
  if (choices.mask != nullptr) {
    mask = *choices.mask;
    for (extent_t o = 0; o < Outputs; ++o)
      for (extent_t i = 0; i < Inputs; ++i) mask(o, i) = (*choices.mask)(order[o], i);
    reordered.mask = &mask;
  }
  return converter<Weight>::template convert<Outputs, Inputs>(rows_in_order(from, order), to, reordered);
}

}  // namespace detail

/// An order of a weight's rows in which `together` neighbours have their large entries in the same `kept` columns:
/// strips grow greedily, from the row that is largest among those left, by the row that is largest where the strip is
/// large. result[i] is the row that comes to place i. O(outputs^2 inputs).
/// Source: the rearrangement that Xu et al. (2023), SparseByteNN, arXiv 2310.19509, speak of, in words of our own: no
/// code was released.
inline std::vector<extent_t> rearrange_rows(const weight_matrix& of, extent_t together, extent_t kept) {
  std::vector<extent_t> order, left(of.outputs);
  std::vector<double> norms(of.outputs);
  for (extent_t o = 0; o < of.outputs; ++o) {
    left[o] = o;
    for (extent_t i = 0; i < of.inputs; ++i) norms[o] += of(o, i) * of(o, i);
  }
  std::vector<double> profile(of.inputs);
  std::vector<extent_t> columns;
  const auto take = [&](extent_t at) {
    const extent_t row = left[at];
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(at));
    order.push_back(row);
    for (extent_t i = 0; i < of.inputs; ++i) profile[i] += of(row, i) * of(row, i);
  };
  while (!left.empty()) {
    const bool begins = order.size() % together == 0;
    if (begins) profile.assign(of.inputs, 0);
    if (!begins) columns = detail::largest(profile, kept);
    extent_t best = 0;
    double most = -1;
    for (extent_t at = 0; at < left.size(); ++at) {
      double sum = begins ? norms[left[at]] : 0;
      if (!begins)
        for (const extent_t i : columns) sum += of(left[at], i) * of(left[at], i);
      if (sum > most) most = sum, best = at;
    }
    take(best);
  }
  return order;
}

/// The weight with its rows where the order wants them.
template <class Weight, class Order>
struct converter<permuted<Weight, Order>> {
  static constexpr bool takes_mask = detail::takes_mask<Weight>;
  using format = permuted<Weight, Order>;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    const auto order = format::template bound<Outputs, Inputs>::order::of(to.order_part);
    std::vector<extent_t> rows_of_weight(Outputs);
    for (extent_t i = 0; i < Outputs; ++i) rows_of_weight[order[i]] = i;
    return detail::convert_reordered<Weight, Outputs, Inputs>(from, rows_of_weight, to.weight, choices);
  }
};
/// The rows rearranged so that the weight keeps most (`rearrange_rows`), or as they are, if it keeps more then or a
/// mask is given that has its own blocks. A mask or a cache around the weight changes nothing of that.
template <class Weight>
struct converter<permuted<Weight, ordered>> {
  static constexpr bool takes_mask = detail::takes_mask<Weight>;
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices& choices) {
    using strips = detail::strips_of<detail::bare<Weight>, Outputs, Inputs>;
    std::vector<extent_t> rows_of_weight(Outputs);
    for (extent_t o = 0; o < Outputs; ++o) rows_of_weight[o] = o;
    if constexpr (strips::outputs > 1)
      if (choices.mask == nullptr) {
        const auto tried = rearrange_rows(from, strips::outputs, strips::inputs);
        const auto kept = [&](const std::vector<extent_t>& order) {
          const weight_matrix reordered = detail::rows_in_order(from, order);
          return detail::kept_squares(reordered, detail::mask_for<Weight, Outputs, Inputs>(reordered, choices));
        };
        if (kept(tried) > kept(rows_of_weight)) rows_of_weight = tried;
      }
    for (extent_t i = 0; i < Outputs; ++i) {
      using number = std::remove_reference_t<decltype(to.order_part.order[0])>;
      to.order_part.order[rows_of_weight[i]] = static_cast<number>(i);
    }
    return detail::convert_reordered<Weight, Outputs, Inputs>(from, rows_of_weight, to.weight, choices);
  }
};

LACUNA_END
