#pragma once
/// The product of a sparse weight on lanes, for any pattern of blocks. Strips as wide as a register have outputs in
/// lanes: an input is broadcast to the values of its column as they are stored. Narrower strips have tokens in lanes: a
/// value is broadcast to the input of many tokens, turned beforehand into scratch on the stack; for one token, several
/// columns of a strip lie side by side in a register. Strips of one register, which read an input for every
/// multiply-add of a token, are computed like narrower ones where tokens are many and registers, too.

#include <lacuna/backend/lanes/narrow_strip.hpp>
#include <lacuna/backend/lanes/wide_strip.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// y = x W^T: see `op::multiply_blocks`.
template <class Lanes, class Pattern, class Element, class Packed>
LACUNA_INLINE void multiply_blocks(rows<typename Lanes::element, Pattern::outputs> y,
                                   rows<const typename Lanes::element, Pattern::inputs> x,
                                   const block_matrix<const Element, Pattern>& weight, const Packed& packed) noexcept {
  using wide = wide_strip<Lanes, Pattern>;
  using tiling = token_tiling<Lanes, Pattern>;
  if constexpr (Pattern::block_outputs == Lanes::lane_count && tiling::roomy && tiling::possible) {
    if (x.count < Lanes::lane_count)
      wide::multiply_all(y, x, weight);
    else
      narrow_strip<Lanes, Pattern>::multiply_all(
          y, x, weight, packed, [&](auto* to, const auto* from) { wide::multiply_all({to, 1}, {from, 1}, weight); });
  } else if constexpr (Pattern::block_outputs >= Lanes::lane_count)
    wide::multiply_all(y, x, weight);
  else
    narrow_strip<Lanes, Pattern>::multiply_all(y, x, weight, packed, [&](auto* to, const auto* from) {
      if constexpr (requires { packed.multiply_token(to, from); })
        packed.multiply_token(to, from);
      else
        narrow_strip<Lanes, Pattern>::multiply_token(to, from, weight);
    });
}

}  // namespace by_lanes

LACUNA_END
