#pragma once
/// Keys written into the cache once more, in another form.

#include <lacuna/op/attend.hpp>

LACUNA_BEGIN

namespace operation {

/// Writes the keys of positions first, first + 1, ... and nothing else.
struct write_keys {
  static constexpr auto name = fixed_string("write_keys");
  template <class Cache, class Key>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Cache&, const Key&, extent_t) noexcept {
    return 0;
  }
};
template <class Element, class Value, extent_t Columns, extent_t KvHeads, extent_t HeadWidth, class Address>
LACUNA_HD constexpr auto kernel(write_keys, const cache_view<Element, KvHeads, HeadWidth, Address>& cache,
                                rows<const Value, Columns> key, extent_t first, const reference&) {
  for (extent_t t = 0; t < key.count; ++t)
    for (extent_t h = 0; h < KvHeads; ++h) {
      Element* k = cache.key_block((first + t) / block_keys, h) + (first + t) % block_keys;
      for (extent_t d = 0; d < HeadWidth; ++d) k[d * block_keys] = static_cast<Element>(key(t, h * HeadWidth + d));
    }
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Keys `(tokens, kv_heads * head_width)` of positions that the cache holds already are replaced; their values and all
/// other positions stay.
template <class Element, extent_t KvHeads, extent_t HeadWidth, class Address, class Value, extent_t Columns,
          class Backend>
LACUNA_HD constexpr auto write_keys(const cache_view<Element, KvHeads, HeadWidth, Address>& cache,
                                    rows<Value, Columns> key, extent_t first, const Backend& backend) {
  return run_kernel(operation::write_keys{}, backend, cache, readable(key), first);
}

}  // namespace op

LACUNA_END
