#pragma once
/// The gated feed-forward: one projection gates another.

#include <lacuna/activation/top_k_activation.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/ffn/neurons.hpp>
#include <lacuna/ffn/slots.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

/// y = W_down (act(W_gate x) * W_up x): `(tokens, width) -> (tokens, hidden) -> (tokens, width)`,
/// 3 tokens width hidden multiply-adds. Of the product all entries stay, or the `Kept` largest of each token.
/// Source: Shazeer (2020), arXiv 2002.05202, eq. (6).
template <class At, extent_t Hidden, class Activation, class Format, class Bias, extent_t Kept = 0>
struct gated_ffn {
  static constexpr extent_t hidden = Hidden;
  using gate_map = projection<format_at<Format, projection_name::gate>, Bias, Hidden, At::width>;
  using up_map = projection<format_at<Format, projection_name::up>, Bias, Hidden, At::width>;
  using down_map = projection<format_at<Format, projection_name::down>, Bias, At::width, Hidden>;
  static_assert(__is_base_of(nothing, detail::completed<type_list<gate_map, up_map, down_map>>) || true);
  using applied = applied_activation<Activation, Hidden>;
  /// An elementwise gate is computed together with the product; another one has rows of its own.
  static constexpr bool fused = !RowActivation<Activation>;
  static constexpr bool selects = Kept > 0 && Kept < Hidden;

  template <class Role>
  struct parameters {
    typename gate_map::template parameters<Role> gate;
    typename up_map::template parameters<Role> up;
    typename down_map::template parameters<Role> down;
    LACUNA_NO_ADDRESS typename applied::template parameters<Role> activation;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("gate", s.gate...);
      v("up", s.up...);
      v("down", s.down...);
      v("activation", s.activation...);
    }
  };
  template <class Plan>
  struct memory {
    typename Plan::template buffer<Hidden> gate;  ///< before the activation; as an adjoint: of the product, then of it
    typename Plan::template buffer<Hidden> up;
    LACUNA_NO_ADDRESS typename Plan::template saved<Hidden>
        product;  ///< act(gate) * up; without it the product overwrites `gate`
    LACUNA_NO_ADDRESS std::conditional_t<fused, nothing, typename Plan::template saved<Hidden>>
        activated;  ///< act(gate), where it is not computed anew; without it, it overwrites `gate`
    LACUNA_NO_ADDRESS typename applied::template memory<Plan> activation;
    LACUNA_NO_ADDRESS typename gate_map::template memory<Plan> gate_map_memory;
    LACUNA_NO_ADDRESS typename up_map::template memory<Plan> up_map_memory;
    LACUNA_NO_ADDRESS typename down_map::template memory<Plan> down_map_memory;
  };
  template <class Target>
  struct derived {
    typename gate_map::template derived<Target> gate;
    typename up_map::template derived<Target> up;
    typename down_map::template derived<Target> down;
  };

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    gate_map::refresh(parameters.gate, derived.gate);
    up_map::refresh(parameters.up, derived.up);
    down_map::refresh(parameters.down, derived.down);
  }
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    applied::initialise(parameters.activation);
  }
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    auto& m = v.memory;
    const auto gate = m.gate.first(x.count), up = m.up.first(x.count), product = product_of(m, x.count);
    gate_map::forward(v.parameters.gate, m.gate_map_memory, v.derived.gate, x, gate, run);
    up_map::forward(v.parameters.up, m.up_map_memory, v.derived.up, x, up, run);
    if constexpr (fused) {
      form(product, map<Activation>(gate) * up, run);
    } else {
      const auto activated = activated_of(m, x.count);
      applied::forward(v.parameters.activation, m.activation, gate, activated, run);
      form(product, activated * up, run);
    }
    down_map::forward(v.parameters.down, m.down_map_memory, v.derived.down, product, y, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    auto& m = v.memory;
    auto& d = a.memory;
    const auto gate = m.gate.first(x.count), up = m.up.first(x.count), product = product_of(m, x.count);
    const auto dgate = d.gate.first(x.count), dup = d.up.first(x.count);
    dgate.fill(0);
    down_map::backward(v.parameters.down, a.gradients.down, m.down_map_memory, d.down_map_memory, v.derived.down,
                       product, dy, dgate, run);
    // dgate holds the adjoint of the product until its own is formed from it.
    if constexpr (selects) op::evaluate(dgate, where_nonzero(dgate, product), run.backend);
    if constexpr (fused) {
      op::evaluate(dup, dgate * map<Activation>(gate), run.backend);
      op::evaluate(dgate, dgate * up * map_derivative<Activation>(gate), run.backend);
    } else {
      const auto activated = activated_of(m, x.count);
      op::evaluate(dup, dgate * activated, run.backend);
      op::evaluate(dgate, dgate * up, run.backend);
      applied::backward(v.parameters.activation, a.gradients.activation, m.activation, gate, activated, dgate, run);
    }
    gate_map::backward(v.parameters.gate, a.gradients.gate, m.gate_map_memory, d.gate_map_memory, v.derived.gate, x,
                       dgate, dx, run);
    up_map::backward(v.parameters.up, a.gradients.up, m.up_map_memory, d.up_map_memory, v.derived.up, x, dup, dx, run);
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    detail::visit_taps_of<applied>(memory.activation, walk);
  }
  static constexpr std::uint64_t multiply_adds(extent_t tokens) {
    return gate_map::multiply_adds(tokens) + up_map::multiply_adds(tokens) + down_map::multiply_adds(tokens);
  }

 private:
  template <class Value, class Node, class Run>
  LACUNA_HD static constexpr void form(rows<Value, Hidden> product, const Node& expression, const Run& run) {
    if constexpr (selects)
      op::keep_largest(product, expression, Kept, run.backend);
    else
      op::evaluate(product, expression, run.backend);
  }
  template <class Memory>
  LACUNA_HD static constexpr auto activated_of(Memory& memory, extent_t tokens) {
    return saved_or(memory.activated, memory.gate.first(tokens));
  }
  template <class Memory>
  LACUNA_HD static constexpr auto product_of(Memory& memory, extent_t tokens) {
    return saved_or(memory.product, memory.gate.first(tokens));
  }
};

LACUNA_END
