#pragma once
/// Depth without weights: one block applied many times.

#include <lacuna/block/norm_choices.hpp>
#include <lacuna/block/repeat.hpp>

LACUNA_BEGIN

namespace detail {

/// A block's weights, and one set of norms for each application.
template <class Link, class Own, class Common, extent_t Count>
struct shared_parameters {
  Common common_part;
  array<Own, Count> own_part;

  LACUNA_HD constexpr auto operator[](extent_t i) noexcept { return Link::join(own_part[i], common_part); }
  LACUNA_HD constexpr auto operator[](extent_t i) const noexcept { return Link::join(own_part[i], common_part); }
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit_numbered(Visitor& v, extent_t base, Structs&... s) {
    visit_block(v, base, s.common_part...);
    for (extent_t i = 0; i < Count; ++i) visit_block(v, base + i * Link::layers, s.own_part[i]...);
  }
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    visit_numbered(v, 0, s...);
  }
};
/// All of a block, norms included, for all applications.
template <class Parameters>
struct wholly_shared_parameters : reused<Parameters> {
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit_numbered(Visitor& v, extent_t base, Structs&... s) {
    visit_block(v, base, s.item...);
  }
  template <class Visitor, class... Structs>
  LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
    visit_numbered(v, 0, s...);
  }
};

/// Links that are `Count` applications of one bound component: equal links whose parameters are stored once.
template <extent_t Count, class Link, class Norms>
struct shared_links : equal_links<Count, Link> {
  template <class Role>
  using parameters =
      shared_parameters<Link, typename Link::template own<Role>, typename Link::template common<Role>, Count>;
  template <class Target>
  using derived = reused<typename Link::template derived<Target>>;
};
template <extent_t Count, class Link>
struct shared_links<Count, Link, shared_norms> : equal_links<Count, Link> {
  template <class Role>
  using parameters = wholly_shared_parameters<typename Link::template parameters<Role>>;
  template <class Target>
  using derived = reused<typename Link::template derived<Target>>;
};

}  // namespace detail

namespace rules {
template <extent_t Count>
struct shared_is_not_empty {
  static_assert(Count > 0, "lacuna::shared: a block applied 0 times is no block (leave it out, or apply it once)");
};
template <class Block>
struct shared_holds_a_block {
  static_assert(same<slot_of<Block>, slots::block>,
                "lacuna::shared: only a block can be applied many times (wrap sublayers in pre_norm<...>)");
};
template <class Norms>
struct shared_norms_are_a_choice {
  static_assert(same<slot_of<Norms>, slots::norm_sharing>,
                "lacuna::shared: its last argument says who has norms (write own_norms, shared_norms, or nothing)");
};
template <bool Fine>
struct norms_can_be_told_apart {
  static_assert(Fine,
                "lacuna::shared: this block does not keep its norms apart from its weights (write "
                "shared<N, block, shared_norms>)");
};
}  // namespace rules

/// `shared<6, pre_norm<...>>`: one block applied 6 times in a row, its weights stored once, its norms 6 times.
/// `shared<6, pre_norm<...>, shared_norms>`: all parameters stored once. `(tokens, width) -> (tokens, width)`.
///
/// Six layers in every other respect: each application has its own state, gradients of what is shared add up, and the
/// cost is that of `repeat<6, ...>`. A block is also a `repeat` or a `stack`: `repeat<2, shared<3, ...>>` are groups,
/// `shared<3, stack<a, b>>` is a cycle. Paths: everything that is shared stands under the first layer's number, norms
/// under each layer's: `blocks.0.attention.query.weight`, `blocks.0.attention_norm.gain`, ...,
/// `blocks.5.attention_norm.gain`. Source: Xue et al. (2021), arXiv 2107.11817, "individual layer normalization"; with
/// shared norms Dehghani et al. (2018), arXiv 1807.03819, without its halting, and Lan et al. (2019), arXiv 1909.11942,
/// section 3.1.
template <extent_t Count, class Block, class Norms = own_norms>
struct shared {
  static_assert(__is_base_of(nothing, rules::shared_is_not_empty<Count>) || true);
  static_assert(__is_base_of(nothing, rules::shared_holds_a_block<Block>) || true);
  static constexpr bool complained = !same<slot_of<Block>, slots::block>;
  static_assert(__is_base_of(nothing, rules::shared_norms_are_a_choice<Norms>) || true);
  static constexpr bool own = same<Norms, own_norms> && same<slot_of<Block>, slots::block>;
  static constexpr bool apart = own && detail::norms_apart<Block>;
  static_assert(__is_base_of(nothing, rules::norms_can_be_told_apart<apart || !own>) || true);
  using slot = slots::block;
  using parts = type_list<Block, Norms>;
  template <class NewBlock, class NewNorms>
  using rebuild = shared<Count, NewBlock, NewNorms>;
  template <class At>
  using inner_place = At;
  using closing_norm = typename detail::closing_norm_of<Block>::type;

  static constexpr extent_t count = Count == 0 ? 1 : Count;
  template <class At>
  using links =
      detail::shared_links<count, detail::bound_block<Block, At>, std::conditional_t<apart, own_norms, shared_norms>>;

  template <class At>
  struct bound : chain<At, links<At>> {
    using link = detail::bound_block<Block, At>;
    static constexpr extent_t layers = count * link::layers;
    template <class Role>
    struct parameters : links<At>::template parameters<Role> {};
    template <class Role>
    struct state : detail::numbered_array<link::layers, typename links<At>::template state<Role>> {};

    /// What is derived from the weights is derived once: norms have no part in it.
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      auto&& first = parameters[0];
      link::refresh(first, derived[0]);
    }
  };
};

LACUNA_END
