#pragma once
/// Writes into the cache, and reads of its adjoint, by lanes: what lies together in both places moves by registers.

#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Positions first, first + 1, ... into the cache: see `op::append`. A position that opens a block clears the rest of
/// it: kernels by lanes multiply hidden values by 0, and what an earlier stream left there may be no number.
template <class Lanes, extent_t Columns, class Cache>
void append(const Cache& cache, rows<const typename Lanes::element, Columns> key,
            rows<const typename Lanes::element, Columns> value, extent_t first) noexcept {
  constexpr extent_t width = Cache::head_width, lanes = Lanes::lane_count;
  constexpr extent_t whole = width / lanes * lanes, left = width - whole;
  for (extent_t t = 0; t < key.count; ++t) {
    const extent_t block = (first + t) / block_keys, lane = (first + t) % block_keys;
    for (extent_t head = 0; head < Cache::kv_heads; ++head) {
      auto* k = cache.key_block(block, head);
      auto* v = cache.value_block(block, head);
      if (lane == 0)
        for (extent_t i = 0; i < width * block_keys; i += lanes) {
          Lanes(0).store(k + i);
          Lanes(0).store(v + i);
        }
      const auto* from_key = key.row(t) + head * width;
      const auto* from = value.row(t) + head * width;
      for (extent_t d = 0; d < width; ++d) k[d * block_keys + lane] = from_key[d];
      if constexpr (Cache::values_by_column) {
        for (extent_t d = 0; d < width; ++d) v[d * block_keys + lane] = from[d];
      } else {
        auto* to = v + lane * width;
        for (extent_t d = 0; d < whole; d += lanes) Lanes::load(from + d).store(to + d);
        if constexpr (left != 0) Lanes::load_part(from + whole, left).store_part(to + whole, left);
      }
    }
  }
}

/// The adjoints of positions first, first + 1, ... out of the cache's: see `op::append_backward`.
template <class Lanes, extent_t Columns, class CacheAdjoint>
void append_backward(const CacheAdjoint& dcache, rows<typename Lanes::element, Columns> dkey,
                     rows<typename Lanes::element, Columns> dvalue, extent_t first) noexcept {
  constexpr extent_t width = CacheAdjoint::head_width, lanes = Lanes::lane_count;
  constexpr extent_t whole = width / lanes * lanes, left = width - whole;
  for (extent_t t = 0; t < dkey.count; ++t) {
    const extent_t block = (first + t) / block_keys, lane = (first + t) % block_keys;
    for (extent_t head = 0; head < CacheAdjoint::kv_heads; ++head) {
      const auto* k = dcache.key_block(block, head);
      const auto* v = dcache.value_block(block, head);
      auto* to_key = dkey.row(t) + head * width;
      auto* to = dvalue.row(t) + head * width;
      for (extent_t d = 0; d < width; ++d) to_key[d] += k[d * block_keys + lane];
      if constexpr (CacheAdjoint::values_by_column) {
        for (extent_t d = 0; d < width; ++d) to[d] += v[d * block_keys + lane];
      } else {
        const auto* from = v + lane * width;
        for (extent_t d = 0; d < whole; d += lanes) (Lanes::load(to + d) + Lanes::load(from + d)).store(to + d);
        if constexpr (left != 0)
          (Lanes::load_part(to + whole, left) + Lanes::load_part(from + whole, left)).store_part(to + whole, left);
      }
    }
  }
}

}  // namespace by_lanes

LACUNA_END
