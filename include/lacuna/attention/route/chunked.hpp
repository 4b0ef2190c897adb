#pragma once
/// Chunks of the stream that see themselves and the chunks before them.

#include <lacuna/attention/route/span.hpp>

LACUNA_BEGIN

/// How many earlier chunks a chunk sees: `chunked<128, chunks_before{1}>`.
struct chunks_before {
  extent_t count = 0;
  constexpr explicit chunks_before(extent_t of = 0) : count(of) {}
  constexpr bool operator==(const chunks_before&) const = default;
};

namespace rules {
template <extent_t Size>
struct chunk_of_keys_is_not_empty {
  static_assert(Size > 0, "lacuna::chunked: a chunk of 0 keys sees nothing (choose chunked<1> or more)");
};
}  // namespace rules

/// The row's own chunk of `Size` positions, whole, and `Before` chunks before it; `both<causal, chunked<...>>` leaves
/// out what lies ahead. Spans of `Size` to (Before + 1) `Size` keys.
/// Source: Zhang et al. (2023), MASFormer, arXiv 2310.12442, section 3.1 (block-wise local attention with one chunk
/// before).
template <extent_t Size, chunks_before Before = chunks_before{}>
struct chunked {
  static_assert(__is_base_of(nothing, rules::chunk_of_keys_is_not_empty<Size>) || true);
  using slot = slots::route;
  static constexpr extent_t size = Size == 0 ? 1 : Size;
  static constexpr auto name =
      fixed_string("chunked<") + decimal<Size>() + ", chunks_before{" + decimal<Before.count>() + "}>";
  static constexpr bool sees_ahead = size > 1;

  LACUNA_HD static constexpr lacuna::spans<1> spans(extent_t query, extent_t keys) {
    const extent_t chunk = query / size, end = (chunk + 1) * size;
    const extent_t begin = chunk > Before.count ? (chunk - Before.count) * size : 0;
    return {begin, end < keys ? end : keys};
  }
};

LACUNA_END
