#pragma once
/// A small predictor chooses the neurons; the others are not computed.

#include <lacuna/activation/top_k_activation.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/ffn/neurons.hpp>
#include <lacuna/ffn/slots.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

template <extent_t Count>
struct rank;

namespace slots {
/// What predicts which neurons are active: `rank<32>`, `oracle`.
struct predictor {
  using stand_in = rank<1>;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template predictor<1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::predicted: its argument is no predictor (write predicted<rank<N>> or predicted<oracle>)");
  };
};
}  // namespace slots

namespace rules {
template <extent_t Count>
struct rank_is_not_zero {
  static_assert(Count > 0,
                "lacuna::predicted: the predictor has rank 0 (choose rank<N>, often an eighth of the width)");
};
template <bool Fine>
struct predicted_neurons_stand_alone {
  static_assert(
      Fine,
      "lacuna::predicted: the activation looks at the whole row, and only some of its neurons are computed (use "
      "an elementwise one, such as lacuna::relu, or leave predicted out)");
};
template <bool Fine>
struct oracle_knows_the_silent {
  static_assert(Fine,
                "lacuna::predicted: the oracle knows which neurons relu silences, and the activation is another one "
                "(choose relu, squared_relu or one of them gated, or predicted<rank<N>>)");
};
}  // namespace rules

/// Neuron u is predicted where (V U x)(u) > threshold, with U `(rank, width)` and V `(hidden, rank)`, no bias and
/// nothing between them. rank * (width + hidden) multiply-adds per token. Paths: `reduce.weight`, `expand.weight`,
/// `threshold` (0 unless data say otherwise). The prediction is a constant to the backward: predictors are fitted to
/// recorded activations. Source: Liu et al. (2023), "Deja Vu", arXiv 2310.17157, section 4.1, with the released code's
/// two linear maps; there each layer is predicted from the input of the one before it, here from its own.
template <extent_t Count>
struct rank {
  static_assert(__is_base_of(nothing, rules::rank_is_not_zero<Count>) || true);
  using slot = slots::predictor;
  static constexpr auto name = fixed_string("rank<") + decimal<Count>() + ">";

  template <extent_t Width, extent_t Hidden>
  struct predictor {
    static constexpr extent_t inner = Count == 0 ? 1 : Count;
    using reduce_map = projection<dense, no_bias, inner, Width>;
    using expand_map = projection<dense, no_bias, Hidden, inner>;

    template <class Role>
    struct parameters {
      static constexpr bool learns_by_gradient = false;
      typename reduce_map::template parameters<Role> reduce;
      typename expand_map::template parameters<Role> expand;
      typename Role::template tensor<1> threshold;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("reduce", s.reduce...);
        v("expand", s.expand...);
        v("threshold", s.threshold...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<inner> reduced;
      LACUNA_NO_ADDRESS typename reduce_map::template memory<Plan> reduce_map_memory;
      LACUNA_NO_ADDRESS typename expand_map::template memory<Plan> expand_map_memory;
    };
    template <class Target>
    struct derived {
      typename reduce_map::template derived<Target> reduce;
      typename expand_map::template derived<Target> expand;
    };
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      reduce_map::refresh(parameters.reduce, derived.reduce);
      expand_map::refresh(parameters.expand, derived.expand);
    }
    /// One list per token; `scores` is room for `(tokens, hidden)`.
    template <class Parameters, class Memory, class Derived, class First, class Value, class Lists, class Run>
    LACUNA_HD static constexpr void predict(const Parameters& p, Memory& m, const Derived& d, const First&,
                                            rows<Value, Width> x, rows<Value, Hidden> scores, Lists lists,
                                            const Run& run) {
      const auto reduced = m.reduced.first(x.count);
      reduce_map::forward(p.reduce, m.reduce_map_memory, d.reduce, x, reduced, run);
      expand_map::forward(p.expand, m.expand_map_memory, d.expand, reduced, scores, run);
      run.find_active(lists, scores, active::above<Value>{static_cast<Value>(widen(p.threshold[0]))});
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return reduce_map::multiply_adds(tokens) + expand_map::multiply_adds(tokens);
    }
  };
};

/// The true answer: the first projection is computed densely, only to see which neurons are above 0. It saves nothing;
/// it is what a predictor is measured against. tokens * hidden * width multiply-adds.
struct oracle {
  using slot = slots::predictor;
  static constexpr auto name = fixed_string("oracle");

  template <extent_t Width, extent_t Hidden>
  struct predictor {
    template <class Role>
    struct parameters : no_tensors<predictor> {};
    template <class Plan>
    struct memory {};
    template <class Target>
    struct derived {};
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) {}
    template <class Parameters, class Memory, class Derived, class First, class Value, class Lists, class Run>
    LACUNA_HD static constexpr void predict(const Parameters&, Memory&, const Derived&, const First& first,
                                            rows<Value, Width> x, rows<Value, Hidden> scores, Lists lists,
                                            const Run& run) {
      run.multiply(scores, x, first.weight, nothing{});
      if constexpr (requires { first.bias.data; }) run.evaluate(scores, scores + first.bias);
      run.find_active(lists, scores, active::above<Value>{0});
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Hidden * Width; }
  };
};

/// The feed-forward over neurons in lists: y = W_down(:, S) act(W_up(S) x), or with act(W_gate(S) x) * W_up(S) x.
/// `(tokens, width) -> (tokens, width)`; 2 or 3 width multiply-adds per neuron in a list, and the predictor's. The up
/// and gate projections read their weights as they are stored, the down projection an input-major copy.
/// Source: as `rank`.
template <class At, extent_t Hidden, class Activation, class Bias, class Predictor>
struct predicted_ffn {
  static constexpr extent_t hidden = Hidden;
  static constexpr bool gates = is_gated<Activation>;
  using inner = typename detail::inner_activation<Activation>::type;
  using predictor = typename Predictor::template predictor<At::width, Hidden>;
  using up_map = projection<dense, Bias, Hidden, At::width>;
  using down_map = projection<dense, Bias, At::width, Hidden>;
  template <class Type>
  using if_gated = std::conditional_t<gates, Type, nothing>;

  template <class Role>
  struct parameters {
    LACUNA_NO_ADDRESS if_gated<typename up_map::template parameters<Role>> gate;
    typename up_map::template parameters<Role> up;
    typename down_map::template parameters<Role> down;
    typename predictor::template parameters<Role> chooser;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      if constexpr (gates) v("gate", s.gate...);
      v("up", s.up...);
      v("down", s.down...);
      v("predictor", s.chooser...);
    }
  };
  template <class Plan>
  struct memory {
    active_lists<Plan::tokens, Hidden> lists;
    typename Plan::template buffer<Hidden> up;  ///< scores of the predictor before it holds the projection
    LACUNA_NO_ADDRESS if_gated<typename Plan::template buffer<Hidden>> gate;
    LACUNA_NO_ADDRESS typename Plan::template saved<Hidden> product;  ///< what the down projection reads
    LACUNA_NO_ADDRESS typename predictor::template memory<Plan> chooser;
  };
  template <class Target>
  struct derived {
    input_major<typename Target::weight, At::width, Hidden> down;
    LACUNA_NO_ADDRESS typename predictor::template derived<Target> chooser;
  };

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    derived.down.pack(parameters.down.weight);
    predictor::refresh(parameters.chooser, derived.chooser);
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters&) {}
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    auto& m = v.memory;
    const auto lists = m.lists.first(x.count);
    const auto predict = [&](const auto& first) {
      predictor::predict(v.parameters.chooser, m.chooser, v.derived.chooser, first, x, m.up.first(x.count), lists, run);
    };
    if constexpr (gates)
      predict(v.parameters.gate);
    else
      predict(v.parameters.up);
    forward_listed(v, lists, x, y, run);
  }
  /// The same with lists that are given: one per token, ascending neurons.
  template <class Values, class Lists, class Value, class Run>
  LACUNA_HD static constexpr void forward_listed(Values v, Lists lists, rows<Value, At::width> x,
                                                 rows<Value, At::width> y, const Run& run) {
    auto& m = v.memory;
    const auto up = m.up.first(x.count), product = product_of(m, x.count);
    multiply_listed(v.parameters.up, x, up, lists, run);
    if constexpr (gates) {
      const auto gate = m.gate.first(x.count);
      multiply_listed(v.parameters.gate, x, gate, lists, run);
      op::evaluate(product, map<inner>(gate) * up, run.backend);
    } else {
      op::evaluate(product, map<inner>(up), run.backend);
    }
    op::multiply_some_inputs(y, product, v.derived.down, lists, run.backend);
    if constexpr (Bias::present) op::evaluate(y, y + v.parameters.down.bias, run.backend);
  }
  /// Through the neurons of the lists of the last forward.
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    auto& m = v.memory;
    auto& d = a.memory;
    const auto lists = m.lists.first(x.count);
    const auto up = m.up.first(x.count), product = product_of(m, x.count), dup = d.up.first(x.count);
    op::accumulate_some_inputs(a.gradients.down.weight, dy, product, lists, run.backend);
    if constexpr (Bias::present) op::sum_over_tokens(a.gradients.down.bias, dy, dy.count, run.backend);
    dup.fill(0);  // neurons outside the lists stay 0
    op::multiply_some_inputs_transposed(dup, dy, v.derived.down, lists, run.backend);
    if constexpr (gates) {
      const auto gate = m.gate.first(x.count), dgate = d.gate.first(x.count);
      op::evaluate(dgate, dup * up * map_derivative<inner>(gate), run.backend);
      op::evaluate(dup, dup * map<inner>(gate), run.backend);
      differentiate_listed(v.parameters.gate, a.gradients.gate, x, dgate, dx, lists, run);
    } else {
      op::evaluate(dup, dup * map_derivative<inner>(up), run.backend);
    }
    differentiate_listed(v.parameters.up, a.gradients.up, x, dup, dx, lists, run);
  }
  /// At most: that of lists with all neurons.
  static constexpr std::uint64_t multiply_adds(extent_t tokens) {
    return predictor::multiply_adds(tokens) + (gates ? 2 : 1) * up_map::multiply_adds(tokens) +
           down_map::multiply_adds(tokens);
  }

 private:
  template <class Parameters, class Value, class Lists, class Run>
  LACUNA_HD static constexpr void multiply_listed(const Parameters& parameters, rows<Value, At::width> x,
                                                  rows<Value, Hidden> y, Lists lists, const Run& run) {
    op::multiply_some_outputs(y, x, parameters.weight, lists, run.backend);
    if constexpr (Bias::present) op::evaluate(y, y + parameters.bias, run.backend);
  }
  template <class Parameters, class Gradients, class Value, class Lists, class Run>
  LACUNA_HD static constexpr void differentiate_listed(const Parameters& parameters, Gradients& gradients,
                                                       rows<Value, At::width> x, rows<Value, Hidden> dy,
                                                       rows<Value, At::width> dx, Lists lists, const Run& run) {
    op::accumulate_some_outputs(gradients.weight, dy, x, lists, run.backend);
    op::multiply_some_outputs_transposed(dx, dy, parameters.weight, lists, run.backend);
    if constexpr (Bias::present) op::sum_over_tokens(gradients.bias, dy, dy.count, run.backend);
  }
  template <class Memory>
  LACUNA_HD static constexpr auto product_of(Memory& memory, extent_t tokens) {
    return saved_or(memory.product, memory.up.first(tokens));
  }
};

/// `ffn<hidden<3072>, relu, predicted<rank<96>>>`: a predictor chooses the neurons of each token, and only their rows
/// of the weights are read. Neurons that are wrongly left out count as 0. Cost and source: `predicted_ffn`, `rank`.
template <class Predictor>
struct predicted {
  using slot = slots::neurons;
  using parts = type_list<Predictor>;
  template <class New>
  using rebuild = predicted<New>;
  using predictor = checked<Predictor, slots::predictor>;
  static constexpr auto name = fixed_string("predicted<") + predictor::name + ">";

  template <class Activation, class Format>
  struct checks {
    using inner = typename detail::inner_activation<Activation>::type;
    /// Each neuron for itself: neither a function of the row nor a choice among the products.
    static constexpr bool elementwise = !RowActivation<inner> && detail::kept_of<Activation> == 0;
    static constexpr bool silences = [] {
      if constexpr (elementwise)
        return inner::value(-4.0f) == 0 && inner::value(-0.01f) == 0 && inner::value(0.0f) == 0;
      else
        return true;
    }();
    static_assert(__is_base_of(nothing, rules::predicted_neurons_stand_alone<elementwise>) || true);
    static_assert(__is_base_of(nothing, rules::neurons_are_rows<same<Format, dense>>) || true);
    static_assert(__is_base_of(nothing, rules::oracle_knows_the_silent<!same<predictor, oracle> || silences>) || true);
  };
  template <class At, extent_t Hidden, class Activation, class Bias>
  using form = predicted_ffn<At, Hidden, std::conditional_t<checks<Activation, dense>::elementwise, Activation, relu>,
                             Bias, predictor>;
};

LACUNA_END
