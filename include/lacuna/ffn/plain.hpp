#pragma once
/// The plain feed-forward: up, activation, down.

#include <lacuna/activation/applied.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/ffn/neurons.hpp>
#include <lacuna/ffn/slots.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

/// y = W_down act(W_up x): `(tokens, width) -> (tokens, hidden) -> (tokens, width)`, 2 tokens width hidden
/// multiply-adds. Source: Vaswani et al. (2017), arXiv 1706.03762, eq. (2).
template <class At, extent_t Hidden, class Activation, class Format, class Bias>
struct plain_ffn {
  static constexpr extent_t hidden = Hidden;
  using up_map = projection<format_at<Format, projection_name::up>, Bias, Hidden, At::width>;
  using down_map = projection<format_at<Format, projection_name::down>, Bias, At::width, Hidden>;
  static_assert(__is_base_of(nothing, detail::completed<type_list<up_map, down_map>>) || true);
  using applied = applied_activation<Activation, Hidden>;

  template <class Role>
  struct parameters {
    typename up_map::template parameters<Role> up;
    typename down_map::template parameters<Role> down;
    LACUNA_NO_ADDRESS typename applied::template parameters<Role> activation;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("up", s.up...);
      v("down", s.down...);
      v("activation", s.activation...);
    }
  };
  template <class Plan>
  struct memory {
    typename Plan::template buffer<Hidden> up;  ///< before the activation; as an adjoint: of `up`
    LACUNA_NO_ADDRESS typename Plan::template saved<Hidden>
        activated;  ///< after it; without it the activation works in place
    LACUNA_NO_ADDRESS typename applied::template memory<Plan> activation;
    LACUNA_NO_ADDRESS typename up_map::template memory<Plan> up_map_memory;
    LACUNA_NO_ADDRESS typename down_map::template memory<Plan> down_map_memory;
  };
  template <class Target>
  struct derived {
    typename up_map::template derived<Target> up;
    typename down_map::template derived<Target> down;
  };

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
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
    const auto up = v.memory.up.first(x.count), activated = activated_of(v.memory, x.count);
    up_map::forward(v.parameters.up, v.memory.up_map_memory, v.derived.up, x, up, run);
    applied::forward(v.parameters.activation, v.memory.activation, up, activated, run);
    down_map::forward(v.parameters.down, v.memory.down_map_memory, v.derived.down, activated, y, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    const auto up = v.memory.up.first(x.count), activated = activated_of(v.memory, x.count);
    const auto dup = a.memory.up.first(x.count);
    dup.fill(0);
    down_map::backward(v.parameters.down, a.gradients.down, v.memory.down_map_memory, a.memory.down_map_memory,
                       v.derived.down, activated, dy, dup, run);
    applied::backward(v.parameters.activation, a.gradients.activation, v.memory.activation, up, activated, dup, run);
    up_map::backward(v.parameters.up, a.gradients.up, v.memory.up_map_memory, a.memory.up_map_memory, v.derived.up, x,
                     dup, dx, run);
  }
  template <class Memory, class Walk>
  static constexpr void taps(Memory& memory, Walk& walk) {
    detail::visit_taps_of<applied>(memory.activation, walk);
  }
  static constexpr std::uint64_t multiply_adds(extent_t tokens) {
    return up_map::multiply_adds(tokens) + down_map::multiply_adds(tokens);
  }

 private:
  template <class Memory>
  LACUNA_HD static constexpr auto activated_of(Memory& memory, extent_t tokens) {
    return saved_or(memory.activated, memory.up.first(tokens));
  }
};

LACUNA_END
