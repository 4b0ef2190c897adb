#pragma once
/// Blocks in numbers: the same one N times, or different ones in order.

#include <lacuna/block/chain.hpp>
#include <lacuna/block/joined.hpp>
#include <lacuna/block/no_component.hpp>
#include <lacuna/core/fixed_string.hpp>

LACUNA_BEGIN

namespace detail {

/// Visits a block as `blocks.<base>`, or hands the number on to a container of blocks.
template <class Visitor, class First, class... Rest>
LACUNA_HD constexpr void visit_block(Visitor& v, extent_t base, First& first, Rest&... rest) {
  using plain = std::remove_const_t<First>;
  if constexpr (requires { plain::visit_numbered(v, base, first, rest...); })
    plain::visit_numbered(v, base, first, rest...);
  else
    v("blocks", base, first, rest...);
}

template <extent_t Layers, class Base>
struct numbered_array : Base {
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit_numbered(Visitor& v, extent_t base, Structs&... s) {
    for (extent_t i = 0; i < Base::size; ++i) visit_block(v, base + i * Layers, s[i]...);
  }
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    visit_numbered(v, 0, s...);
  }
};

/// Numbers of the first layer of each block.
template <class... Blocks>
struct layer_offsets {
  extent_t at[sizeof...(Blocks) + 1]{};
  constexpr layer_offsets() {
    constexpr extent_t layers[]{Blocks::layers..., 0};
    for (extent_t i = 0; i < sizeof...(Blocks); ++i) at[i + 1] = at[i] + layers[i];
  }
};

template <class Base, class... Blocks>
struct numbered_tuple : Base {
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit_numbered(Visitor& v, extent_t base, Structs&... s) {
    constexpr layer_offsets<Blocks...> offsets;
    for_each_index<sizeof...(Blocks)>([&](auto i) { visit_block(v, base + offsets.at[i], s.template at<i>()...); });
  }
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    visit_numbered(v, 0, s...);
  }
};

/// The norm that a block asks a decoder to put behind it.
template <class Block>
struct closing_norm_of {
  using type = no_norm;
};
template <class Block>
  requires requires { typename Block::closing_norm; }
struct closing_norm_of<Block> {
  using type = typename Block::closing_norm;
};

}  // namespace detail

namespace rules {
template <extent_t Count>
struct repeat_is_not_empty {
  static_assert(Count > 0, "lacuna::repeat: a block repeated 0 times is no block (leave it out, or repeat it once)");
};
template <class Block>
struct repeat_holds_a_block {
  static_assert(same<slot_of<Block>, slots::block>,
                "lacuna::repeat: only a block can be repeated (wrap sublayers in pre_norm<...> or post_norm<...>)");
};
template <bool Fine>
struct stack_holds_blocks {
  static_assert(Fine, "lacuna::stack: it holds one or more blocks and nothing else (wrap sublayers in pre_norm<...>)");
};
}  // namespace rules

/// `repeat<5, pre_norm<...>>`: one bound type, an array and a loop; layers cost no compile time.
/// `(tokens, width) -> (tokens, width)`. Paths: `blocks.0` to `blocks.<N - 1>`.
template <extent_t Count, class Block>
struct repeat {
  static_assert(__is_base_of(nothing, rules::repeat_is_not_empty<Count>) || true);
  static_assert(__is_base_of(nothing, rules::repeat_holds_a_block<Block>) || true);
  static constexpr bool complained = !same<slot_of<Block>, slots::block>;
  using slot = slots::block;
  using parts = type_list<Block>;
  template <class New>
  using rebuild = repeat<Count, New>;

  template <class At>
  using inner_place = At;
  using closing_norm = typename detail::closing_norm_of<Block>::type;
  static constexpr bool norms_apart = detail::norms_apart<Block>;

  template <class At>
  struct bound : chain<At, equal_links<(Count == 0 ? 1 : Count), detail::bound_block<Block, At>>> {
    using link = detail::bound_block<Block, At>;
    using links = equal_links<(Count == 0 ? 1 : Count), link>;
    static constexpr extent_t layers = Count * link::layers;
    template <class Role>
    struct parameters : detail::numbered_array<link::layers, typename links::template parameters<Role>> {};
    template <class Role>
    struct state : detail::numbered_array<link::layers, typename links::template state<Role>> {};

    template <class Role>
    struct own : detail::numbered_array<link::layers, array<typename link::template own<Role>, links::count>> {};
    template <class Role>
    struct common : detail::numbered_array<link::layers, array<typename link::template common<Role>, links::count>> {};
    template <class Own, class Common>
    LACUNA_HD static constexpr auto join(Own& own_part, Common& common_part) {
      return detail::join_links<links>(own_part, common_part);
    }
  };
};

/// `stack<pre_norm<...>, repeat<3, pre_norm<...>>>`: different blocks in order, numbered on.
template <class... Blocks>
struct stack {
  static constexpr bool complained = sizeof...(Blocks) == 0 || !(same<slot_of<Blocks>, slots::block> && ...);
  static_assert(__is_base_of(nothing, rules::stack_holds_blocks<!complained>) || true);
  using slot = slots::block;
  using parts = type_list<Blocks...>;
  template <class... New>
  using rebuild = stack<New...>;
  template <class At>
  using inner_place = At;
  using closing_norm = typename detail::closing_norm_of<type_at<sizeof...(Blocks), no_component, Blocks...>>::type;
  static constexpr bool norms_apart = (detail::norms_apart<Blocks> && ...);

  template <class At>
  struct bound : chain<At, different_links<detail::bound_block<Blocks, At>...>> {
    using links = different_links<detail::bound_block<Blocks, At>...>;
    static constexpr extent_t layers = (extent_t{0} + ... + detail::bound_block<Blocks, At>::layers);
    template <class Role>
    struct parameters
        : detail::numbered_tuple<typename links::template parameters<Role>, detail::bound_block<Blocks, At>...> {};
    template <class Role>
    struct state : detail::numbered_tuple<typename links::template state<Role>, detail::bound_block<Blocks, At>...> {};

    template <class Role>
    struct own : detail::numbered_tuple<flat_tuple<typename detail::bound_block<Blocks, At>::template own<Role>...>,
                                        detail::bound_block<Blocks, At>...> {};
    template <class Role>
    struct common
        : detail::numbered_tuple<flat_tuple<typename detail::bound_block<Blocks, At>::template common<Role>...>,
                                 detail::bound_block<Blocks, At>...> {};
    template <class Own, class Common>
    LACUNA_HD static constexpr auto join(Own& own_part, Common& common_part) {
      return detail::join_links<links>(own_part, common_part);
    }
  };
};

LACUNA_END
