#pragma once
/// Cross-entropy by lanes: exponentials and sums of short stretches in the lanes' type, sums of stretches in f64.

#include <lacuna/op/cross_entropy.hpp>
#include <lacuna/tensor/expression.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// e^{logits - largest} into `to`; returns their sum.
template <class Lanes, extent_t Columns>
LACUNA_INLINE double exponentials(typename Lanes::element* to, const typename Lanes::element* logits,
                                  typename Lanes::element largest) noexcept {
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  constexpr extent_t stretch = 64 * lanes;
  const Lanes shift(largest);
  double total = 0;
  for (extent_t from = 0; from < whole; from += stretch) {
    const extent_t end = from + stretch < whole ? from + stretch : whole;
    Lanes sum(0);
    for (extent_t c = from; c < end; c += lanes) {
      const Lanes power = maths::exp(Lanes::load(logits + c) - shift);
      power.store(to + c);
      sum = sum + power;
    }
    total += static_cast<double>(sum_of(sum));
  }
  if constexpr (left != 0) {
    const Lanes power = maths::exp(Lanes::load_part(logits + whole, left) - shift);
    power.store_part(to + whole, left);
    total += static_cast<double>(sum_of(first_lanes(left, power, Lanes(0))));
  }
  return total;
}

/// All rows: see `op::cross_entropy`.
template <class Lanes, extent_t Columns>
void cross_entropy(rows<double, 1> losses, rows<typename Lanes::element, Columns> adjoint,
                   rows<const typename Lanes::element, Columns> logits, token_view targets, double share) noexcept {
  using element = typename Lanes::element;
  constexpr extent_t lanes = Lanes::lane_count, whole = Columns / lanes * lanes, left = Columns - whole;
  const auto node = lazy(logits);
  for (extent_t t = 0; t < logits.count; ++t) {
    const std::uint32_t target = targets.data[t];
    element* to = adjoint.row(t);
    losses.data[t] = 0;
    if (target == no_token) {
      adjoint.slice(t, 1).fill(0);
      continue;
    }
    const auto row = node.template row<Lanes>(t);
    const element largest = lacuna::detail::reduce_lanes<elementwise::maximum, Lanes, Columns>(row);
    const element wanted = logits(t, target);
    const double total = exponentials<Lanes, Columns>(to, logits.row(t), largest);
    losses.data[t] = maths::log(total) + static_cast<double>(largest) - static_cast<double>(wanted);
    const Lanes scale(static_cast<element>(share / total));
    for (extent_t c = 0; c < whole; c += lanes) (Lanes::load(to + c) * scale).store(to + c);
    if constexpr (left != 0) (Lanes::load_part(to + whole, left) * scale).store_part(to + whole, left);
    to[target] -= static_cast<element>(share);
  }
}

}  // namespace by_lanes

LACUNA_END
