#pragma once
/// Rows to experts and back by lanes.

#include <lacuna/backend/lanes/row_dots.hpp>
#include <lacuna/op/dispatch.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// to(r) = x(token of r): see `op::dispatch`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void dispatch(rows<typename Lanes::element, Columns> to, rows<const typename Lanes::element, Columns> x,
              const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) {
    const auto* from = x.row(of.token(r));
    auto* at = to.row(r);
    using columns = row_dots<Lanes, Columns>;
    columns::for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      columns::template store<in_part>(columns::template load<in_part>(from + c), at + c);
    });
  }
}
/// dx(token of r) += dto(r): see `op::dispatch_backward`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void dispatch_backward(rows<typename Lanes::element, Columns> dx, rows<const typename Lanes::element, Columns> dto,
                       const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) row_dots<Lanes, Columns>::add(dx.row(of.token(r)), 1, dto.row(r));
}

/// y(token of r) += gate of r * from(r): see `op::combine`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void combine(rows<typename Lanes::element, Columns> y, rows<const typename Lanes::element, Columns> from,
             rows<const typename Lanes::element, Chosen> gate, const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r)
    row_dots<Lanes, Columns>::add(y.row(of.token(r)), gate(of.token(r), of.choice(r)), from.row(r));
}
/// The adjoints of rows and gates: see `op::combine_backward`.
template <class Lanes, extent_t Columns, extent_t Chosen>
void combine_backward(rows<typename Lanes::element, Columns> dfrom, rows<typename Lanes::element, Chosen> dgate,
                      rows<const typename Lanes::element, Columns> dy,
                      rows<const typename Lanes::element, Columns> from,
                      rows<const typename Lanes::element, Chosen> gate, const assignments<Chosen>& of) noexcept {
  for (extent_t r = 0; r < of.count; ++r) {
    const extent_t token = of.token(r);
    const auto *down = dy.row(token), *row = from.row(r);
    auto* to = dfrom.row(r);
    const Lanes factor(gate(token, of.choice(r)));
    Lanes sum(0);
    using columns = row_dots<Lanes, Columns>;
    columns::for_each_register([&](auto in_part, extent_t c) LACUNA_UNROLLED {
      const Lanes of_token = columns::template load<in_part>(down + c);
      sum = multiply_add(of_token, columns::template load<in_part>(row + c), sum);
      columns::template store<in_part>(factor * of_token, to + c);
    });
    dgate(token, of.choice(r)) = sum_of(sum);
  }
}

}  // namespace by_lanes

LACUNA_END
