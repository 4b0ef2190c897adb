#pragma once
/// A cache in pages: streams take room from one pool as they grow.

#include <lacuna/attention/cache/linear.hpp>
#include <lacuna/core/type_list.hpp>
#include <lacuna/op/block_plan.hpp>

LACUNA_BEGIN

/// How many streams share a pool: `paged_cache<4096, streams{8}>`.
struct streams {
  extent_t count = 1;
  constexpr explicit streams(extent_t of = 1) : count(of) {}
  constexpr bool operator==(const streams&) const = default;
};

namespace rules {
template <bool Fine>
struct pool_is_not_empty {
  static_assert(Fine,
                "lacuna::paged_cache: a pool of 0 positions, or for 0 streams (write paged_cache<4096, streams{8}>)");
};
}  // namespace rules

/// Which page of a pool stores each block of each stream; pages are taken in the order in which blocks come, and given
/// back when a stream ends. All layers have the same table, and each its own pool. Several streams may hold one page:
/// blocks behind a stream's position are never written again.
template <extent_t Pages, extent_t Blocks, extent_t Streams>
struct page_table {
  static constexpr bool is_page_table = true;

  std::uint32_t page_of[Streams][Blocks]{};
  std::uint32_t held[Streams]{};  ///< blocks of each stream
  std::uint32_t users[Pages]{};   ///< streams that hold a page
  std::uint32_t unused[Pages]{};  ///< the next page last
  std::uint32_t unused_count = 0;
  std::uint32_t stream = 0;  ///< the one that runs

  constexpr void build() {
    for (extent_t i = 0; i < Pages; ++i) unused[i] = static_cast<std::uint32_t>(Pages - 1 - i);
    unused_count = Pages;
  }
  /// Gives the running stream a page for each block of positions [0, first + tokens) that has none. Whoever asks has
  /// looked whether there is room.
  constexpr void prepare(extent_t first, extent_t tokens) {
    for (std::uint32_t& count = held[stream]; count < blocks_of(first + tokens); ++count) {
      if (unused_count == 0) stop();
      const std::uint32_t page = unused[--unused_count];
      page_of[stream][count] = page;
      users[page] = 1;
    }
  }
  /// How many positions from `first` on the running stream has room for; from 0 on: if it started anew.
  constexpr extent_t room(extent_t first) const {
    extent_t own = held[stream];
    if (first == 0)
      for (extent_t b = 0; b < held[stream]; ++b) own -= users[page_of[stream][b]] > 1 ? 1 : 0;
    return (own + unused_count) * block_keys - first;
  }
  /// The running stream ends: its pages are free, but for those that others hold.
  constexpr void release() {
    for (std::uint32_t& count = held[stream]; count > 0; --count) {
      const std::uint32_t page = page_of[stream][count - 1];
      if (--users[page] == 0) unused[unused_count++] = page;
    }
  }
  /// The running stream, which holds nothing, begins with the first blocks of another.
  constexpr void share(extent_t from, extent_t blocks) {
    for (extent_t b = 0; b < blocks; ++b) ++users[page_of[stream][b] = page_of[from][b]];
    held[stream] = static_cast<std::uint32_t>(blocks);
  }
  LACUNA_HD constexpr const std::uint32_t* pages() const noexcept { return page_of[stream]; }
};

/// `Positions` positions in pages of 16, shared by `Streams` streams, each as long as the context at most: room is
/// taken when a stream reaches a page, and not before, so that a pool serves many short streams or few long ones. What
/// a stream computes is what it computes with `linear_cache`, bit for bit, wherever its pages lie. State: the pool,
/// which may be smaller than one context. A forward that finds no page is an error before anything is changed.
///
/// A model runs one stream at a time: `model.try_select(stream)`, `model.try_share_prefix(from, tokens)`,
/// `model.room()`. Streams that share a prefix hold its pages once; shares are whole pages. Layers that keep anything
/// else between tokens know one stream only, and are refused beside more. Streams do not run in one batch; after a
/// change of parameters each has to be reset. Source: Kwon et al. (2023), PagedAttention, arXiv 2309.06180, section 4:
/// block tables, reference counts; without copies of pages that are written, since shared ones are full.
template <extent_t Positions, streams Streams = streams{}>
struct paged_cache {
  static constexpr bool fine = Positions > 0 && Streams.count > 0;
  static_assert(__is_base_of(nothing, rules::pool_is_not_empty<fine>) || true);
  using slot = slots::cache;
  static constexpr auto name =
      fixed_string("paged_cache<") + decimal<Positions>() + ", streams{" + decimal<Streams.count>() + "}>";
  static constexpr extent_t stream_count = fine ? Streams.count : 1;

  /// Pages of the pool: no more than all streams can fill.
  static constexpr extent_t blocks(extent_t context) {
    const extent_t all = context * stream_count, asked = fine ? blocks_of(Positions) : 1;
    return asked < all ? asked : all;
  }
  template <extent_t Context>
  using table = page_table<blocks(blocks_of(Context)), blocks_of(Context), stream_count>;

  /// A view of the running stream's row of the table.
  struct address {
    const std::uint32_t* pages;
    LACUNA_HD constexpr explicit address(const std::uint32_t* of) noexcept : pages(of) {}
    LACUNA_HD constexpr extent_t operator()(extent_t block) const noexcept { return pages[block]; }
  };
};

namespace detail {

/// The table that a cache shares among all layers, if it has one.
template <class Cache, extent_t Context, class = void>
struct tables_of_cache {
  static constexpr extent_t streams = 1;
  using type = type_list<>;
};
template <class Cache, extent_t Context>
struct tables_of_cache<Cache, Context, std::void_t<typename Cache::template table<Context>>> {
  static constexpr extent_t streams = Cache::stream_count;
  using type = type_list<typename Cache::template table<Context>>;
};

/// Where the blocks of the stream that runs are stored.
template <class Cache, extent_t Context, class Run>
LACUNA_HD constexpr typename Cache::address address_in(const Run& run) {
  if constexpr (tables_of_cache<Cache, Context>::type::size == 0)
    return {};
  else
    return typename Cache::address(run.shared.template get<typename Cache::template table<Context>>().pages());
}

}  // namespace detail

LACUNA_END
