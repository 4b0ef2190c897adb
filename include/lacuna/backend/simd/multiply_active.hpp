#pragma once
/// Products by lists of active neurons on lanes. Bound by the bytes of the rows that are read: several rows at once
/// keep enough of them under way, and the next ones are asked for meanwhile: no processor foresees which they are.

#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/backend/simd/lanes.hpp>
#include <lacuna/op/multiply_active.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Rows of a weight whose dot products are formed at once, and rows that are added at once.
inline constexpr extent_t dot_rows = lanes::lane_count >= 16 ? 8 : 4;
inline constexpr extent_t sum_rows = lanes::lane_count >= 16 ? 16 : 8;
/// A register of a row: whole, or its first `Part` lanes.
template <extent_t Part, class Element>
LACUNA_INLINE lanes load_lanes(const Element* from) noexcept {
  if constexpr (Part == 0)
    return lanes::load(from);
  else
    return lanes::load_part(from, Part);
}
template <extent_t Part>
LACUNA_INLINE void store_lanes(lanes of, float* to) noexcept {
  if constexpr (Part == 0)
    of.store(to);
  else
    of.store_part(to, Part);
}

/// The rows that entries [from, from + Count) of a list name; behind its end, the last one again.
template <extent_t Count, extent_t Neurons, extent_t Columns, class Element>
LACUNA_INLINE void find_rows(const Element* (&to)[Count], matrix<const Element, Neurons, Columns> weight,
                             const std::uint32_t* list, extent_t size, extent_t from) noexcept {
  for (extent_t r = 0; r < Count; ++r) to[r] = weight.row(list[from + r < size ? from + r : size - 1]);
}

/// Elements of a cache line.
template <class Element>
inline constexpr extent_t line = 64 / sizeof(Element);

/// Asks for the lines of each row that columns [from, from + count) touch.
template <extent_t Count, class Element>
LACUNA_INLINE void prefetch_rows(const Element* const (&of)[Count], extent_t from, extent_t count) noexcept {
  for (extent_t c = from; c < from + count; c += line<Element>)
    by_lanes::unroll<Count>([&](extent_t r) LACUNA_UNROLLED { prefetch(of[r] + c); });
}

/// y(u) (+)= row(u) . x for every u of one list. Each sum is formed alike, wherever in the list it stands.
template <bool Adds, extent_t Neurons, extent_t Columns, class Element>
void multiply_listed_rows(float* y, const float* x, matrix<const Element, Neurons, Columns> weight,
                          const std::uint32_t* list, extent_t size) noexcept {
  constexpr extent_t width = lanes::lane_count, whole = Columns / width * width, pairs = whole / (2 * width);
  if (size == 0) return;
  for (extent_t j = 0; j < size; j += dot_rows) {
    const Element *of[dot_rows], *next[dot_rows];
    find_rows(of, weight, list, size, j);
    find_rows(next, weight, list, size, j + dot_rows);
    lanes sums[2][dot_rows];  // two, since an addition waits for the one before it
    by_lanes::unroll<dot_rows>([&](extent_t r) LACUNA_UNROLLED { sums[0][r] = sums[1][r] = lanes(0.0f); });
    const auto add = [&](auto part, lanes(&to)[dot_rows], extent_t column) LACUNA_UNROLLED {
      const lanes in = load_lanes<part>(x + column);
      by_lanes::unroll<dot_rows>(
          [&](extent_t r) LACUNA_UNROLLED { to[r] = multiply_add(load_lanes<part>(of[r] + column), in, to[r]); });
    };
    for (extent_t pair = 0; pair < pairs; ++pair) {
      if (2 * pair * width % line<Element> == 0) prefetch_rows(next, 2 * pair * width, 2 * width);
      add(count_constant<0>{}, sums[0], 2 * pair * width);
      add(count_constant<0>{}, sums[1], (2 * pair + 1) * width);
    }
    if constexpr (2 * pairs * width < whole) add(count_constant<0>{}, sums[0], 2 * pairs * width);
    if constexpr (whole < Columns) add(count_constant<Columns - whole>{}, sums[1], whole);
    float found[width];
    by_lanes::unroll<dot_rows>([&](extent_t r) LACUNA_UNROLLED { sums[0][r] = sums[0][r] + sums[1][r]; });
    sums_across(sums[0]).store(found);
    for (extent_t r = 0; r < dot_rows && j + r < size; ++r)
      y[list[j + r]] = Adds ? y[list[j + r]] + found[r] : found[r];
  }
}

/// y = (y +) factor(u) row(u), summed over `Count` entries of a list.
template <extent_t Count, extent_t Columns, class Element>
LACUNA_INLINE void add_rows(float* y, const Element* const (&of)[Count], const lanes (&factors)[Count],
                            bool continues) noexcept {
  constexpr extent_t width = lanes::lane_count, whole = Columns / width * width;
  const auto add = [&](auto part, extent_t column) LACUNA_UNROLLED {
    lanes sum = continues ? load_lanes<part>(y + column) : lanes(0.0f);
    by_lanes::unroll<Count>(
        [&](extent_t r) LACUNA_UNROLLED { sum = multiply_add(load_lanes<part>(of[r] + column), factors[r], sum); });
    store_lanes<part>(sum, y + column);
  };
  for (extent_t c = 0; c < whole; c += width) add(count_constant<0>{}, c);
  if constexpr (whole < Columns) add(count_constant<Columns - whole>{}, whole);
}

/// y (+)= sum over u in one list of h(u) row(u), in the order of the list.
template <extent_t Neurons, extent_t Columns, class Element>
void add_listed_rows(float* y, const float* h, matrix<const Element, Neurons, Columns> weight,
                     const std::uint32_t* list, extent_t size, bool continues) noexcept {
  if (size == 0) {
    if (!continues)
      for (extent_t c = 0; c < Columns; ++c) y[c] = 0;
    return;
  }
  const auto some = [&]<extent_t Count>(count_constant<Count>, extent_t j) LACUNA_UNROLLED {
    const Element *of[Count], *next[Count];
    lanes factors[Count];
    find_rows(of, weight, list, size, j);
    find_rows(next, weight, list, size, j + Count);
    // The beginnings alone: the rest of so many rows would displace what is being read.
    prefetch_rows(next, 0, Columns < 2 * line<Element> ? Columns : 2 * line<Element>);
    by_lanes::unroll<Count>([&](extent_t r) LACUNA_UNROLLED { factors[r] = lanes(h[list[j + r]]); });
    add_rows<Count, Columns>(y, of, factors, continues || j > 0);
  };
  extent_t j = 0;
  for (; j + sum_rows <= size; j += sum_rows) some(count_constant<sum_rows>{}, j);
  for (; j + 4 <= size; j += 4) some(count_constant<4>{}, j);
  for (; j < size; ++j) some(count_constant<1>{}, j);
}

/// The numbers of the columns of one row that a rule calls active.
template <class Rule>
LACUNA_INLINE std::uint32_t active_bits(lanes x, const Rule& rule) noexcept {
  if constexpr (same<Rule, active::magnitude_above<float>>)
    return bits_above(maths::absolute(x), lanes(rule.bound));
  else
    return bits_above(x, lanes(rule.bound));
}
template <extent_t Columns, class Rule>
std::uint32_t list_active(std::uint32_t* list, const float* x, const Rule& rule) noexcept {
  constexpr extent_t width = lanes::lane_count, whole = Columns / width * width, left = Columns - whole;
  std::uint32_t found = 0;
  for (extent_t c = 0; c < whole; c += width)  // found <= c: a register of numbers stays inside the row
    found += store_numbers(list + found, static_cast<std::uint32_t>(c), active_bits(lanes::load(x + c), rule));
  for (extent_t c = whole; c < whole + left; ++c) {
    list[found] = static_cast<std::uint32_t>(c);
    found += rule(x[c]) ? 1 : 0;
  }
  return found;
}

}  // namespace simd_lanes

namespace operation {

/// Lists of active columns, f32: see `op::find_active`.
template <extent_t Columns, class Rule>
  requires(same<Rule, active::above<float>> || same<Rule, active::magnitude_above<float>>)
auto kernel(find_active, active_view<std::uint32_t, Columns> lists, rows<const float, Columns> x, const Rule& rule,
            const simd&) {
  for (extent_t t = 0; t < x.count; ++t)
    lists.size(t) = simd_lanes::list_active<Columns>(lists.list(t), x.row(t), rule);
  return ran_on<simd>{};
}

/// y(u) = W(u) . x, weights in f32, bf16 or f16: see `op::multiply_some_outputs`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_some_outputs, rows<float, Outputs> y, rows<const float, Inputs> x,
            matrix<const Element, Outputs, Inputs> weight, active_view<const std::uint32_t, Outputs> lists,
            const simd&) {
  y.fill(0);
  for (extent_t t = 0; t < x.count; ++t)
    simd_lanes::multiply_listed_rows<false>(y.row(t), x.row(t), weight, lists.list(t), lists.size(t));
  return ran_on<simd>{};
}

/// dx += sum of dy(u) W(u), weights in f32, bf16 or f16: see `op::multiply_some_outputs_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_some_outputs_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            matrix<const Element, Outputs, Inputs> weight, active_view<const std::uint32_t, Outputs> lists,
            const simd&) {
  for (extent_t t = 0; t < dy.count; ++t)
    simd_lanes::add_listed_rows(dx.row(t), dy.row(t), weight, lists.list(t), lists.size(t), true);
  return ran_on<simd>{};
}

/// y = sum of W(:, u) h(u), weights in f32, bf16 or f16: see `op::multiply_some_inputs`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_some_inputs, rows<float, Outputs> y, rows<const float, Inputs> h,
            matrix<const Element, Inputs, Outputs> turned, active_view<const std::uint32_t, Inputs> lists,
            const simd&) {
  for (extent_t t = 0; t < h.count; ++t)
    simd_lanes::add_listed_rows(y.row(t), h.row(t), turned, lists.list(t), lists.size(t), false);
  return ran_on<simd>{};
}

/// dh(u) += W(:, u) . dy, weights in f32, bf16 or f16: see `op::multiply_some_inputs_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_some_inputs_transposed, rows<float, Inputs> dh, rows<const float, Outputs> dy,
            matrix<const Element, Inputs, Outputs> turned, active_view<const std::uint32_t, Inputs> lists,
            const simd&) {
  for (extent_t t = 0; t < dy.count; ++t)
    simd_lanes::multiply_listed_rows<true>(dh.row(t), dy.row(t), turned, lists.list(t), lists.size(t));
  return ran_on<simd>{};
}

/// dW(u) += dy(u) x, f32: see `op::accumulate_some_outputs`.
template <extent_t Outputs, extent_t Inputs>
auto kernel(accumulate_some_outputs, matrix<float, Outputs, Inputs> gradient, rows<const float, Outputs> dy,
            rows<const float, Inputs> x, active_view<const std::uint32_t, Outputs> lists, const simd&) {
  for (extent_t t = 0; t < x.count; ++t)
    for (extent_t j = 0; j < lists.size(t); ++j) {
      const extent_t u = lists.list(t)[j];
      by_lanes::row_dots<simd_lanes::lanes, Inputs>::add(gradient.row(u), dy(t, u), x.row(t));
    }
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
