#pragma once
/// What all residual blocks share: their slots, the names of their sublayers, and the chain of their steps.

#include <lacuna/block/branch.hpp>
#include <lacuna/block/chain.hpp>
#include <lacuna/block/no_component.hpp>
#include <lacuna/block/skip.hpp>

LACUNA_BEGIN

namespace rules {
template <extent_t Count>
struct block_has_a_sublayer {
  static_assert(Count > 0,
                "lacuna::block: the block holds no sublayer (add lacuna::attention<...> or lacuna::ffn<...>)");
};
}  // namespace rules

/// The slots of a residual block.
using residual_fields = fields<field<slots::norm, must>, many<slots::sublayer>>;

namespace detail {

/// The norms of a placement: before and after each sublayer.
template <class Before, class After>
struct norm_places {
  using before = Before;
  using after = After;
};

/// y = x + after(sublayer(before(x))): pre-norm, output norm and peri-norm, by which of the two are present.
template <class At, class Places, class Sublayer, extent_t Ordinal>
struct additive_step : branch<At, typename Places::before, Sublayer, typename Places::after, Ordinal> {
  using inner = branch<At, typename Places::before, Sublayer, typename Places::after, Ordinal>;

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    inner::forward(v, x, y, run);
    op::evaluate(y, x + y, run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    inner::backward(v, a, x, dy, dx, run);
    op::evaluate(dx, dx + dy, run.backend);
  }
};

/// y = x: all that is left of a block whose sublayers are all skipped.
template <class At>
struct identity_step : no_component::bound<At> {
  template <class Role>
  struct own : no_tensors<identity_step> {};
  template <class Role>
  struct common : no_tensors<identity_step> {};
  template <class Own, class Common>
  LACUNA_HD static constexpr nothing join(Own&, Common&) {
    return {};
  }
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values, rows<Value, At::width> x, rows<Value, At::width> y, const Run& run) {
    op::evaluate(y, x, run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values, Adjoints, rows<Value, At::width>, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    op::evaluate(dx, dx + dy, run.backend);
  }
};

/// The number of sublayers up to the given one that have its role.
template <extent_t Which, class... Sublayers>
constexpr extent_t ordinal_of() {
  using mine = type_at<Which, Sublayers...>;
  extent_t ordinal = 0, at = 0;
  (((at++ <= Which && mine::role == Sublayers::role) ? ++ordinal : ordinal), ...);
  return ordinal;
}

/// A list of `Step<At, Setting, sublayer, ordinal>`, one for each sublayer.
template <template <class, class, class, extent_t> class Step, class At, class Setting, class List>
struct steps_for;
template <template <class, class, class, extent_t> class Step, class At, class Setting, class... Sublayers>
struct steps_for<Step, At, Setting, type_list<Sublayers...>> {
  template <std::size_t... Which>
  static type_list<Step<At, Setting, Sublayers, ordinal_of<Which, Sublayers...>()>...> all(
      std::index_sequence<Which...>);
  using type = decltype(all(std::index_sequence_for<Sublayers...>{}));
};

/// A block: a chain of residual steps, visited without a level of its own.
template <class At, class List>
struct residual_chain;
template <class At>
struct residual_chain<At, type_list<>> : residual_chain<At, type_list<identity_step<At>>> {};
template <class At, class... Steps>
struct residual_chain<At, type_list<Steps...>> : chain<At, different_links<Steps...>> {
  using links = different_links<Steps...>;
  static constexpr extent_t layers = 1;

  template <class Role>
  struct parameters : visited_tuple<typename Steps::template parameters<Role>...> {};
  template <class Role>
  struct state : visited_tuple<typename Steps::template state<Role>...> {};
  template <class Role>
  struct own : visited_tuple<typename Steps::template own<Role>...> {};
  template <class Role>
  struct common : visited_tuple<typename Steps::template common<Role>...> {};
  template <class Own, class Common>
  LACUNA_HD static constexpr auto join(Own& own_part, Common& common_part) {
    return join_links<links>(own_part, common_part);
  }
};

/// Base of the residual blocks: what was asked for, without the sublayers that are skipped.
template <class Name, class Fields, class... Policies>
struct residual_block : recipe<Name, Fields, Policies...> {
  using slot = slots::block;
  using base = recipe<Name, Fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class At>
  using inner_place = At;
  static constexpr bool norms_apart = true;
  using norm = typename base::template get<slots::norm>;
  using asked = typename base::template list<slots::sublayer>;
  static constexpr bool complained = detail::inspection<Fields, Policies...>::find().what != detail::problem::none;
  static_assert(__is_base_of(nothing, rules::block_has_a_sublayer<complained ? 1 : asked::size>) || true);

  template <class List>
  struct kept;
  template <class... Sublayers>
  struct kept<type_list<Sublayers...>> {
    using type = join<std::conditional_t<same<Sublayers, skip>, type_list<>, type_list<Sublayers>>...>;
  };
  using sublayers = std::conditional_t<asked::size == 0, type_list<no_component>, typename kept<asked>::type>;

  /// The chain of a placement that is one step for each sublayer.
  template <class At, template <class, class, class, extent_t> class Step, class Setting>
  using steps = residual_chain<At, typename steps_for<Step, At, Setting, sublayers>::type>;
};

}  // namespace detail

LACUNA_END
