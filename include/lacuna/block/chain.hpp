#pragma once
/// The chain: components one after the other, written once for blocks, `repeat`, `stack` and decoder bodies.
///
/// Equal components are an array and a run-time loop; different ones a flat tuple and an unrolled one. With the keep
/// plan every link has its own memory and every intermediate result its own rows; with the reuse plan links overlap
/// and two buffers alternate.

#include <lacuna/core/flat_tuple.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/tensor/walk.hpp>
#include <new>

LACUNA_BEGIN

namespace detail {

/// Memory of several components that never live at the same time. Not usable in constant expressions, which keep, or
/// have them `apart`.
template <class... Parts>
struct overlaid {
  static constexpr extent_t largest = [] {
    extent_t most = 1;
    ((most = sizeof(Parts) > most ? sizeof(Parts) : most), ...);
    return most;
  }();
  alignas(tensor_alignment) unsigned char bytes[largest]{};

  template <extent_t Index>
  LACUNA_HD auto& at() noexcept {
    // Aggregates are implicit-lifetime types: the byte array provides them with storage.
    return *std::launder(reinterpret_cast<type_at<Index, Parts...>*>(bytes));
  }
};

/// One component's data, used by every link of an array.
template <class Part>
struct reused {
  Part item{};
  LACUNA_HD constexpr Part& operator[](extent_t) noexcept { return item; }
  LACUNA_HD constexpr const Part& operator[](extent_t) const noexcept { return item; }
};

template <extent_t Index>
struct pick {
  static constexpr extent_t index = Index;
  template <class Storage>
  LACUNA_HD constexpr decltype(auto) operator()(Storage& from) const noexcept {
    return from.template at<Index>();
  }
};
struct pick_at {
  extent_t index;
  template <class Storage>
  LACUNA_HD constexpr decltype(auto) operator()(Storage& from) const noexcept {
    return from[index];
  }
};

/// Whether a bound component gives rows as wide as those it takes, as it says in `out`.
template <class At, class Link>
inline constexpr bool keeps_the_width = [] {
  if constexpr (requires { Link::out::width; })
    return Link::out::width == At::width;
  else
    return true;
}();

}  // namespace detail

namespace rules {
template <bool Fine>
struct chain_keeps_the_width {
  static_assert(
      Fine,
      "lacuna::chain: a block or sublayer changes the width (end it with a projection back to the width of its "
      "input)");
};
}  // namespace rules

/// Links that are `Count` times the same bound component.
template <extent_t Count, class Link>
struct equal_links {
  static constexpr extent_t count = Count;
  template <extent_t>
  using link = Link;
  template <class Role>
  using parameters = array<typename Link::template parameters<Role>, Count>;
  template <class Role>
  using state = array<typename Link::template state<Role>, Count>;
  template <class Target>
  using derived = array<typename Link::template derived<Target>, Count>;
  template <class Plan>
  using memory = std::conditional_t<Plan::keeps, array<typename Link::template memory<Plan>, Count>,
                                    detail::reused<typename Link::template memory<Plan>>>;
  template <class Plan>
  using shares = typename Link::template shares<Plan>;
  static constexpr bool ahead = sees_ahead<Link>;
  template <class At>
  static constexpr bool keep_the_width = detail::keeps_the_width<At, Link>;

  template <class Function>
  static constexpr void schedules(Function&& f) {
    Link::schedules(f);
  }

  /// Calls `f(link, pick, index)` for every link, in order or reversed.
  template <bool Reversed, class Function>
  LACUNA_HD static constexpr void each(Function&& f) {
    for (extent_t i = 0; i < Count; ++i) {
      const extent_t at = Reversed ? Count - 1 - i : i;
      f(type_list<Link>{}, detail::pick_at{at}, at);
    }
  }
};

/// Links of different bound components.
template <class... Links>
struct different_links {
  static constexpr extent_t count = sizeof...(Links);
  template <extent_t Index>
  using link = type_at<Index, Links...>;
  template <class Role>
  using parameters = flat_tuple<typename Links::template parameters<Role>...>;
  template <class Role>
  using state = flat_tuple<typename Links::template state<Role>...>;
  template <class Target>
  using derived = flat_tuple<typename Links::template derived<Target>...>;
  template <class Plan>
  using memory = std::conditional_t<Plan::overlays, detail::overlaid<typename Links::template memory<Plan>...>,
                                    flat_tuple<typename Links::template memory<Plan>...>>;
  template <class Plan>
  using shares = unique<join<typename Links::template shares<Plan>...>>;
  static constexpr bool ahead = (sees_ahead<Links> || ...);
  template <class At>
  static constexpr bool keep_the_width = (true && ... && detail::keeps_the_width<At, Links>);

  template <class Function>
  static constexpr void schedules(Function&& f) {
    (Links::schedules(f), ...);
  }

  template <bool Reversed, class Function>
  LACUNA_HD static constexpr void each(Function&& f) {
    for_each_index<count>([&](auto i) {
      constexpr extent_t at = Reversed ? count - 1 - i : extent_t{i};
      f(type_list<type_at<at, Links...>>{}, detail::pick<at>{}, at);
    });
  }
};

/// x -> link 0 -> link 1 -> ... -> y, all `(tokens, width)`. Cost: the links'.
template <class At, class Links>
struct chain {
  using out = At;
  static constexpr extent_t count = Links::count;
  static constexpr bool sees_ahead = Links::ahead;
  static_assert(__is_base_of(nothing, rules::chain_keeps_the_width<Links::template keep_the_width<At>>) || true);

  template <class Plan>
  struct memory {
    static constexpr extent_t between_count = count == 0 ? 0 : Plan::keeps || count < 3 ? count - 1 : 2;
    typename Links::template memory<Plan> links;
    array<typename Plan::template buffer<At::width>, between_count> between;

    /// The rows between link i and link i + 1.
    LACUNA_HD constexpr auto after(extent_t i, extent_t tokens) {
      if constexpr (between_count == 0)
        return rows<typename Plan::value, At::width>(nullptr, tokens);
      else
        return between[i % between_count].first(tokens);
    }
  };
  template <class Target>
  using derived = typename Links::template derived<Target>;
  template <class Plan>
  using shares = typename Links::template shares<Plan>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    Links::template each<false>([&]<class Link>(type_list<Link>, auto pick, extent_t) {
      auto&& part = pick(parameters);  // what is joined from two places is a value
      Link::refresh(part, pick(derived));
    });
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    Links::template each<false>([&]<class Link>(type_list<Link>, auto pick, extent_t) {
      auto&& part = pick(parameters);
      Link::initialise(part);
    });
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    Links::template each<false>([&]<class Link>(type_list<Link>, auto pick, extent_t i) {
      const auto in = i == 0 ? x : v.memory.after(i - 1, x.count);
      const auto to = i + 1 == count ? y : v.memory.after(i, x.count);
      auto&& part = pick(v.parameters);
      Link::forward(values{part, pick(v.state), pick(v.memory.links), pick(v.derived)}, in, to, run);
    });
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    Links::template each<true>([&]<class Link>(type_list<Link>, auto pick, extent_t i) {
      const auto in = i == 0 ? x : v.memory.after(i - 1, x.count);
      const auto dto = i + 1 == count ? dy : a.memory.after(i, x.count);
      const auto din = i == 0 ? dx : a.memory.after(i - 1, x.count);
      if (i != 0) din.fill(0);
      auto&& part = pick(v.parameters);
      auto&& gradients = pick(a.gradients);
      Link::backward(values{part, pick(v.state), pick(v.memory.links), pick(v.derived)},
                     adjoints{gradients, pick(a.state), pick(a.memory.links)}, in, dto, din, run);
    });
  }
  template <class Memory, class Function>
  static constexpr void losses(Memory& memory, Function& f) {
    Links::template each<false>([&]<class Link>(type_list<Link>, auto pick, extent_t) {
      detail::visit_losses_of<Link>(pick(memory.links), f);
    });
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    const extent_t first = walk.layer;
    Links::template each<false>([&]<class Link>(type_list<Link>, auto pick, extent_t) {
      detail::visit_taps_of<Link>(pick(memory.links), walk);
      walk.layer += detail::layers_of_bound<Link>;
    });
    walk.layer = first;
  }
  /// Equal links answer alike: the first speaks for them.
  template <class Function>
  static constexpr void schedules(Function&& f) {
    Links::schedules(f);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    std::uint64_t total = 0;
    Links::template each<false>(
        [&]<class Link>(type_list<Link>, auto, extent_t) { total += Link::multiply_adds(first, tokens); });
    return total;
  }
  template <class Function>
  static constexpr void facts(Function&& f) {
    Links::template each<false>([&]<class Link>(type_list<Link>, auto, extent_t) { Link::facts(f); });
  }
};

LACUNA_END
