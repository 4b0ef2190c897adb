#pragma once
/// Products of a query with whole blocks of keys by lanes, for routes that choose by score: see `op::select`.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/op/attend.hpp>
#include <lacuna/op/select.hpp>

LACUNA_BEGIN

namespace by_lanes {

/// Eight registers of keys at a time, so that no sum waits for itself.
template <class Lanes>
struct block_products {
  using value = typename Lanes::element;
  static constexpr extent_t lanes = Lanes::lane_count, per_block = block_keys / lanes;
  static constexpr extent_t registers = per_block < 8 ? 8 : per_block, blocks = registers / per_block;

  /// sums[key] = query.key for the 16 keys of each of `count` blocks from `block` on, one chain per key in the order of
  /// columns: equal keys have equal sums, wherever they are.
  template <class Cache>
  void operator()(const value* query, const Cache& cache, extent_t block, extent_t count, value* sums) const noexcept {
    if (count == blocks)
      multiply<blocks>(query, cache, block, sums);
    else
      for (extent_t b = 0; b < count; ++b) multiply<1>(query, cache, block + b, sums + b * block_keys);
  }

 private:
  template <extent_t Blocks, class Cache>
  static LACUNA_INLINE void multiply(const value* query, const Cache& cache, extent_t block, value* to) noexcept {
    Lanes sums[Blocks * per_block];
    const std::remove_reference_t<decltype(*cache.keys)>* keys[Blocks];
    unroll<Blocks>([&](extent_t b) LACUNA_UNROLLED { keys[b] = cache.key_block(block + b, 0); });
    unroll<Blocks * per_block>([&](extent_t r) LACUNA_UNROLLED { sums[r] = Lanes(0); });
    for (extent_t d = 0; d < Cache::head_width; ++d) {
      const Lanes one(query[d]);
      unroll<Blocks * per_block>([&](extent_t r) LACUNA_UNROLLED {
        const extent_t of = r / per_block, column = r % per_block * lanes;
        sums[r] = multiply_add(one, Lanes::load(keys[of] + d * block_keys + column), sums[r]);
      });
    }
    unroll<Blocks * per_block>([&](extent_t r) LACUNA_UNROLLED { sums[r].store(to + r * lanes); });
  }
};

}  // namespace by_lanes

LACUNA_END
