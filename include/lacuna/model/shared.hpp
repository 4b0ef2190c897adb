#pragma once
/// What all layers of a model share: block plans, rebuilt for each forward, tables, built once, and data that comes at
/// run time beside the tokens.

#include <lacuna/core/error.hpp>
#include <lacuna/core/flat_tuple.hpp>

LACUNA_BEGIN

namespace detail {

template <class Item, class Data>
concept ReadsAssigned = requires(Item& item, const Data& data) { item.assign(data); };

}  // namespace detail

namespace detail {

/// Whether a shared item says where the streams of a model are stored.
template <class Item>
inline constexpr bool is_page_table = requires { requires Item::is_page_table; };

/// Bytes of a shared item that is a room, workspace of all layers (block/recomputed.hpp); 0 of all others.
template <class Item>
inline constexpr extent_t room_bytes_of = 0;
template <class Item>
  requires requires { requires Item::is_room; }
inline constexpr extent_t room_bytes_of<Item> = sizeof(Item);

}  // namespace detail

/// The distinct shared items of a model, found by type.
template <class List>
struct shared_items;
template <class... Items>
struct shared_items<type_list<Items...>> {
  flat_tuple<Items...> items;
  /// Bytes of all rooms.
  static constexpr extent_t room_bytes = (extent_t{0} + ... + detail::room_bytes_of<Items>);

  template <class Item>
  LACUNA_HD constexpr const Item& get() const noexcept {
    constexpr extent_t at = [] {
      constexpr bool hit[]{same<Item, Items>..., true};
      extent_t i = 0;
      while (!hit[i]) ++i;
      return i;
    }();
    return items.template at<at>();
  }
  /// A room: an item that layers write one after the other, though all else is only read by runs. (The object is never
  /// const where something runs.)
  template <class Item>
  LACUNA_HD constexpr Item& room() const noexcept {
    static_assert(Item::is_room);
    return const_cast<Item&>(get<Item>());
  }
  /// Tables: functions of nothing.
  constexpr void build() {
    for_each_index<sizeof...(Items)>([&](auto i) { build(items.template at<i>()); });
  }
  /// Plans: functions of where the tokens stand.
  constexpr void prepare(extent_t first, extent_t tokens) {
    for_each_index<sizeof...(Items)>([&](auto i) { prepare(items.template at<i>(), first, tokens); });
  }
  /// Whether some item reads such data: it has `assign(data)`, and `check(data)` for what may be wrong.
  template <class Data>
  static constexpr bool reads = (detail::ReadsAssigned<Items, Data> || ...);
  /// Data that comes at run time. An error leaves all items as they are.
  template <class Data>
  constexpr status try_assign(const Data& data) {
    status fine = nothing{};
    check_all(std::index_sequence_for<Items...>{}, data, fine);
    if (fine.ok()) for_each_index<sizeof...(Items)>([&](auto i) { assign(items.template at<i>(), data); });
    return fine;
  }
  /// Whether a stream of so many tokens belongs to that data.
  constexpr status fits(extent_t tokens, bool whole) const {
    status fine = nothing{};
    for_each_index<sizeof...(Items)>([&](auto i) { fits(items.template at<i>(), tokens, whole, fine); });
    return fine;
  }
  /// Calls `f(table)` for every table of pages.
  template <class Function>
  constexpr void each_page_table(Function&& f) {
    for_each_index<sizeof...(Items)>([&](auto i) { if_page_table(items.template at<i>(), f); });
  }
  template <class Function>
  constexpr void each_page_table(Function&& f) const {
    for_each_index<sizeof...(Items)>([&](auto i) { if_page_table(items.template at<i>(), f); });
  }

 private:
  template <class Item, class Function>
  static constexpr void if_page_table(Item& item, Function& f) {
    if constexpr (detail::is_page_table<std::remove_const_t<Item>>) f(item);
  }
  // Named functions: inside a generic lambda clang 14 finds every requires-expression unsatisfied.
  template <class Item>
  static constexpr void build(Item& item) {
    if constexpr (requires { item.build(); }) item.build();
  }
  template <class Item>
  static constexpr void prepare(Item& item, extent_t first, extent_t tokens) {
    if constexpr (requires { item.prepare(first, tokens); }) item.prepare(first, tokens);
  }
  // Not by for_each_index, so that what a check asserts is few calls deep.
  template <std::size_t... Index, class Data>
  constexpr void check_all(std::index_sequence<Index...>, const Data& data, status& fine) {
    (check(items.template at<Index>(), data, fine), ...);
  }
  template <class Item, class Data>
  static constexpr void check(Item& item, const Data& data, status& fine) {
    if constexpr (detail::ReadsAssigned<Item, Data>)
      if (fine.ok()) fine = item.check(data);
  }
  template <class Item, class Data>
  static constexpr void assign(Item& item, const Data& data) {
    if constexpr (detail::ReadsAssigned<Item, Data>) item.assign(data);
  }
  template <class Item>
  static constexpr void fits(const Item& item, extent_t tokens, bool whole, status& fine) {
    if constexpr (requires { item.fits(tokens, whole); })
      if (fine.ok()) fine = item.fits(tokens, whole);
  }
};
template <>
struct shared_items<type_list<>> {
  static constexpr extent_t room_bytes = 0;
  constexpr void build() {}
  constexpr void prepare(extent_t, extent_t) {}
  template <class Data>
  static constexpr bool reads = false;
  template <class Data>
  constexpr status try_assign(const Data&) {
    return nothing{};
  }
  constexpr status fits(extent_t, bool) const { return nothing{}; }
  template <class Function>
  constexpr void each_page_table(Function&&) const {}
};

LACUNA_END
