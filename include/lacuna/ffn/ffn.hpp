#pragma once
/// The feed-forward component: its recipe, and the choice between the plain and the gated form.

#include <lacuna/ffn/gated.hpp>
#include <lacuna/ffn/neurons.hpp>
#include <lacuna/ffn/plain.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct ffn;
}

/// The slots of the feed-forward and their defaults.
using ffn_fields = fields<field<slots::hidden, must>, field<slots::activation, must>, field<slots::format, dense>,
                          field<slots::bias, no_bias>, field<slots::neurons, all_neurons>>;

namespace detail {

template <class At, extent_t Hidden, class Activation, class Format, class Bias>
struct ffn_form {
  using type = plain_ffn<At, Hidden, Activation, Format, Bias>;
};
template <class At, extent_t Hidden, class Activation, class Format, class Bias>
  requires is_gated<Activation>
struct ffn_form<At, Hidden, Activation, Format, Bias> {
  using type = gated_ffn<At, Hidden, typename Activation::inner, Format, Bias, kept_of<Activation>>;
};

/// The form that a choice of neurons brings, or the ordinary one with the formats that it asks for.
template <class Neurons, class At, extent_t Hidden, class Activation, class Format, class Bias>
struct form_by_neurons : ffn_form<At, Hidden, Activation, typename Neurons::template format<Format>, Bias> {};
template <class Neurons, class At, extent_t Hidden, class Activation, class Format, class Bias>
  requires requires { typename Neurons::template form<At, Hidden, Activation, Bias>; }
struct form_by_neurons<Neurons, At, Hidden, Activation, Format, Bias> {
  using type = typename Neurons::template form<At, Hidden, Activation, Bias>;
};

}  // namespace detail

/// `ffn<hidden<172>, gated<silu>>`, `ffn<hidden<512>, relu>`: `(tokens, width) -> (tokens, width)`.
/// Paths: `up`, `down`, `gate` when gated, `activation` where it has parameters. Cost and source: `plain_ffn`,
/// `gated_ffn`.
template <class... Policies>
struct ffn : recipe<recipe_name::ffn, ffn_fields, Policies...> {
  using slot = slots::sublayer;
  using base = recipe<recipe_name::ffn, ffn_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = ffn<New...>;
  static constexpr auto role = fixed_string("ffn");

  template <class At>
  struct bound {
    using out = At;
    static constexpr extent_t asked = base::template get<slots::hidden>::value;
    static_assert(__is_base_of(nothing, rules::hidden_is_not_zero<asked>) || true);
    static constexpr extent_t hidden = asked == 0 ? 1 : asked;
    using neurons = typename base::template get<slots::neurons>;
    using activation = typename base::template get<slots::activation>;
    using format = typename base::template get<slots::format>;
    static_assert(__is_base_of(nothing, typename neurons::template checks<activation, format>) || true);
    using form = typename detail::form_by_neurons<neurons, At, hidden, activation, format,
                                                  typename base::template get<slots::bias>>::type;
    static_assert(__is_base_of(nothing, form) || true);

    template <class Role>
    using parameters = typename form::template parameters<Role>;
    template <class Role>
    struct state : no_tensors<ffn> {};
    template <class Plan>
    using memory = typename form::template memory<Plan>;
    template <class Target>
    using derived = typename form::template derived<Target>;
    template <class Plan>
    using shares = type_list<>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      form::refresh(parameters, derived);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      form::initialise(parameters);
    }
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      form::forward(v, x, y, run);
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      form::backward(v, a, x, dy, dx, run);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& memory, Walk& walk) {
      detail::visit_taps_of<form>(memory, walk);
    }
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) { return form::multiply_adds(tokens); }
    template <class Function>
    static constexpr void facts(Function&& f) {
      f("hidden", hidden);
    }
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

LACUNA_END
