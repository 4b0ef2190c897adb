#pragma once
/// What all layers of a model share: block plans, rebuilt for each forward, and tables, built once.

#include <lacuna/core/flat_tuple.hpp>

LACUNA_BEGIN

/// The distinct shared items of a model, found by type.
template <class List>
struct shared_items;
template <class... Items>
struct shared_items<type_list<Items...>> {
  flat_tuple<Items...> items;

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
  /// Tables: functions of nothing.
  constexpr void build() {
    for_each_index<sizeof...(Items)>([&](auto i) { build(items.template at<i>()); });
  }
  /// Plans: functions of where the tokens stand.
  constexpr void prepare(extent_t first, extent_t tokens) {
    for_each_index<sizeof...(Items)>([&](auto i) { prepare(items.template at<i>(), first, tokens); });
  }

 private:
  // Named functions: inside a generic lambda clang 14 finds every requires-expression unsatisfied.
  template <class Item>
  static constexpr void build(Item& item) {
    if constexpr (requires { item.build(); }) item.build();
  }
  template <class Item>
  static constexpr void prepare(Item& item, extent_t first, extent_t tokens) {
    if constexpr (requires { item.prepare(first, tokens); }) item.prepare(first, tokens);
  }
};
template <>
struct shared_items<type_list<>> {
  constexpr void build() {}
  constexpr void prepare(extent_t, extent_t) {}
};

LACUNA_END
