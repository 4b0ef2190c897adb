#pragma once
/// Residual blocks: where the normalisation stands, and the sum around each sublayer.

#include <lacuna/block/chain.hpp>
#include <lacuna/block/no_component.hpp>

LACUNA_BEGIN

namespace detail {

/// The n-th sublayer of the same role in a block is called `attention`, `attention_2`, ...
template <class Sublayer, extent_t Ordinal>
struct sublayer_names {
  static constexpr auto sublayer = [] {
    if constexpr (Ordinal == 1)
      return Sublayer::role;
    else
      return Sublayer::role + "_" + decimal<Ordinal>();
  }();
  static constexpr auto norm = sublayer + "_norm";
};

/// What the two residual steps share: a norm and a sublayer, their data and names.
template <class At, class Norm, class Sublayer, extent_t Ordinal>
struct residual_data {
  using out = At;
  using norm = typename Norm::template bound<At::width>;
  using sublayer = typename Sublayer::template bound<At>;
  using names = sublayer_names<Sublayer, Ordinal>;
  static constexpr bool sees_ahead = lacuna::sees_ahead<sublayer>;

  template <class Role>
  struct parameters {
    [[no_unique_address]] typename norm::template parameters<Role> norm_part;
    typename sublayer::template parameters<Role> sublayer_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::norm.c_str(), s.norm_part...);
      v(names::sublayer.c_str(), s.sublayer_part...);
    }
  };
  template <class Role>
  struct state : sublayer::template state<Role> {
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::sublayer.c_str(), static_cast<copy_const<Structs, typename sublayer::template state<Role>>&>(s)...);
    }

   private:
    template <class From, class To>
    using copy_const = std::conditional_t<std::is_const_v<From>, const To, To>;
  };
  template <class Plan>
  struct memory {
    [[no_unique_address]] typename norm::template memory<Plan> norm_part;
    typename sublayer::template memory<Plan> sublayer_part;
    /// Pre-norm: the normalised input. Post-norm: the sum. As an adjoint: of the same.
    typename Plan::template buffer<At::width> inner;
  };
  template <class Target>
  using derived = typename sublayer::template derived<Target>;
  template <class Plan>
  using shares = typename sublayer::template shares<Plan>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    sublayer::refresh(parameters.sublayer_part, derived);
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    norm::initialise(parameters.norm_part);
    sublayer::initialise(parameters.sublayer_part);
  }
  static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
    return sublayer::multiply_adds(first, tokens);
  }
  template <class Function>
  static constexpr void facts(Function&& f) {
    sublayer::facts(f);
  }
  template <class Function>
  static constexpr void schedules(Function&& f) {
    sublayer::schedules(f);
  }

 protected:
  template <class Values>
  LACUNA_HD static constexpr auto inside(Values v) {
    return values{v.parameters.sublayer_part, v.state, v.memory.sublayer_part, v.derived};
  }
  template <class Adjoints>
  LACUNA_HD static constexpr auto inside_adjoints(Adjoints a) {
    return adjoints{a.gradients.sublayer_part, a.state, a.memory.sublayer_part};
  }
};

/// y = x + sublayer(norm(x)).
template <class At, class Norm, class Sublayer, extent_t Ordinal>
struct pre_step : residual_data<At, Norm, Sublayer, Ordinal> {
  using data = residual_data<At, Norm, Sublayer, Ordinal>;

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    const auto normed = v.memory.inner.first(x.count);
    data::norm::forward(v.parameters.norm_part, v.memory.norm_part, x, normed, run);
    data::sublayer::forward(data::inside(v), normed, y, run);
    op::evaluate(y, x + y, run.backend);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    const auto normed = v.memory.inner.first(x.count), dnormed = a.memory.inner.first(x.count);
    dnormed.fill(0);
    data::sublayer::backward(data::inside(v), data::inside_adjoints(a), normed, dy, dnormed, run);
    data::norm::backward(v.parameters.norm_part, a.gradients.norm_part, v.memory.norm_part, x, dnormed, dx, run);
    op::evaluate(dx, dx + dy, run.backend);
  }
};

/// y = norm(x + sublayer(x)).
template <class At, class Norm, class Sublayer, extent_t Ordinal>
struct post_step : residual_data<At, Norm, Sublayer, Ordinal> {
  using data = residual_data<At, Norm, Sublayer, Ordinal>;

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    const auto sum = v.memory.inner.first(x.count);
    data::sublayer::forward(data::inside(v), x, sum, run);
    op::evaluate(sum, x + sum, run.backend);
    data::norm::forward(v.parameters.norm_part, v.memory.norm_part, sum, y, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    const auto sum = v.memory.inner.first(x.count), dsum = a.memory.inner.first(x.count);
    dsum.fill(0);
    data::norm::backward(v.parameters.norm_part, a.gradients.norm_part, v.memory.norm_part, sum, dy, dsum, run);
    op::evaluate(dx, dx + dsum, run.backend);
    data::sublayer::backward(data::inside(v), data::inside_adjoints(a), x, dsum, dx, run);
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

/// A block: a chain of residual steps over its sublayers, visited without a level of its own.
template <template <class, class, class, extent_t> class Step, class At, class Norm, class List, class Sequence>
struct residual_chain;
template <template <class, class, class, extent_t> class Step, class At, class Norm, class... Sublayers,
          std::size_t... Which>
struct residual_chain<Step, At, Norm, type_list<Sublayers...>, std::index_sequence<Which...>>
    : chain<At, different_links<Step<At, Norm, Sublayers, ordinal_of<Which, Sublayers...>()>...>> {
  using links = different_links<Step<At, Norm, Sublayers, ordinal_of<Which, Sublayers...>()>...>;
  static constexpr extent_t layers = 1;
  template <extent_t Index>
  using step = type_at<Index, Step<At, Norm, Sublayers, ordinal_of<Which, Sublayers...>()>...>;

  template <class Role>
  struct parameters : links::template parameters<Role> {
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      for_each_index<sizeof...(Which)>(
          [&](auto i) { step<i>::template parameters<Role>::visit(v, s.template at<i>()...); });
    }
  };
  template <class Role>
  struct state : links::template state<Role> {
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      for_each_index<sizeof...(Which)>([&](auto i) { step<i>::template state<Role>::visit(v, s.template at<i>()...); });
    }
  };
};

}  // namespace detail

namespace recipe_name {
struct pre_norm;
struct post_norm;
}  // namespace recipe_name

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

template <class Name, template <class, class, class, extent_t> class Step, class... Policies>
struct residual_block : recipe<Name, residual_fields, Policies...> {
  using slot = slots::block;
  using base = recipe<Name, residual_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class At>
  using inner_place = At;
  using asked = typename base::template list<slots::sublayer>;
  using sublayers = std::conditional_t<asked::size == 0, type_list<no_component>, asked>;
  using norm = typename base::template get<slots::norm>;
  static constexpr bool complained =
      detail::inspection<residual_fields, Policies...>::find().what != detail::problem::none;
  static_assert(__is_base_of(nothing, rules::block_has_a_sublayer<complained ? 1 : asked::size>) || true);

  template <class List>
  struct sequence;
  template <class... Sublayers>
  struct sequence<type_list<Sublayers...>> {
    using type = std::index_sequence_for<Sublayers...>;
  };
  template <class At>
  using bound = residual_chain<Step, At, norm, sublayers, typename sequence<sublayers>::type>;
};

}  // namespace detail

/// `pre_norm<rms_norm<>, attention<...>, ffn<...>>`: y = x + f(norm(x)) for each sublayer f in turn,
/// `(tokens, width) -> (tokens, width)`. Paths: `attention_norm`, `attention`, `ffn_norm`, `ffn`.
/// Source: Xiong et al. (2020), arXiv 2002.04745.
template <class... Policies>
struct pre_norm : detail::residual_block<recipe_name::pre_norm, detail::pre_step, Policies...> {
  template <class... New>
  using rebuild = pre_norm<New...>;
  /// What a decoder puts behind the last block: the sum was never normalised.
  using closing_norm = typename pre_norm::norm;
};

/// `post_norm<layer_norm<>, attention<...>, ffn<...>>`: y = norm(x + f(x)) for each sublayer f in turn.
/// Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.1.
template <class... Policies>
struct post_norm : detail::residual_block<recipe_name::post_norm, detail::post_step, Policies...> {
  template <class... New>
  using rebuild = post_norm<New...>;
  /// The last block's output is normalised already.
  using closing_norm = no_norm;
};

LACUNA_END
