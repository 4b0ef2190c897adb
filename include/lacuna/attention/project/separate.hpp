#pragma once
/// How a stream becomes queries, keys and values; and the ordinary way: three linear maps.
///
/// A projection of attention nests `bound<Shape, Format, Bias>` with `parameters<Role>`, `memory<Plan>`,
/// `derived<Target>`, `refresh`, `initialise`, `multiply_adds(tokens)`, and
///   forward(parameters, memory, derived, x, query, key, value, run)
///   backward(parameters, gradients, memory, adjoint, derived, x, dquery, dkey, dvalue, dx, run)
/// Positions are applied behind it, in place: what backward needs of queries and keys it saves itself. dx accumulates;
/// dquery, dkey and dvalue may be overwritten. One whose cost depends on where its rows stand says
/// `multiply_adds(first, tokens)`. One that makes more than these three, for the schedule that it brings, keeps the rest
/// in its memory and says how positions are applied there: `apply_positions<Position>(memory, tokens, backward, run)`.

#include <lacuna/attention/slots.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

struct separate_projections;

namespace slots {
/// `separate_projections`, `shared_query_key<...>`, or your own.
struct projections {
  using stand_in = separate_projections;
};
}  // namespace slots

/// query = W_q x, key = W_k x, value = W_v x: tokens * width * (query width + 2 kv width) multiply-adds.
/// Paths: `query`, `key`, `value`. Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.2.2.
struct separate_projections {
  using slot = slots::projections;
  static constexpr auto name = fixed_string("separate_projections");

  template <class Shape, class Format, class Bias>
  struct bound {
    using query_map = projection<format_at<Format, projection_name::query>, Bias, Shape::query_width, Shape::width>;
    using key_map = projection<format_at<Format, projection_name::key>, Bias, Shape::kv_width, Shape::width>;
    using value_map = projection<format_at<Format, projection_name::value>, Bias, Shape::kv_width, Shape::width>;
    static_assert(__is_base_of(nothing, detail::completed<type_list<query_map, key_map, value_map>>) || true);

    template <class Role>
    struct parameters {
      typename query_map::template parameters<Role> query;
      typename key_map::template parameters<Role> key;
      typename value_map::template parameters<Role> value;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("query", s.query...);
        v("key", s.key...);
        v("value", s.value...);
      }
    };
    template <class Plan>
    struct memory {
      LACUNA_NO_ADDRESS typename query_map::template memory<Plan> query;
      LACUNA_NO_ADDRESS typename key_map::template memory<Plan> key;
      LACUNA_NO_ADDRESS typename value_map::template memory<Plan> value;
    };
    template <class Target>
    struct derived {
      typename query_map::template derived<Target> query;
      typename key_map::template derived<Target> key;
      typename value_map::template derived<Target> value;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      query_map::refresh(parameters.query, derived.query);
      key_map::refresh(parameters.key, derived.key);
      value_map::refresh(parameters.value, derived.value);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return query_map::multiply_adds(tokens) + key_map::multiply_adds(tokens) + value_map::multiply_adds(tokens);
    }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Value, Shape::width> x, rows<Value, Shape::query_width> query,
                                            rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                            const Run& run) {
      query_map::forward(parameters.query, memory.query, derived.query, x, query, run);
      key_map::forward(parameters.key, memory.key, derived.key, x, key, run);
      value_map::forward(parameters.value, memory.value, derived.value, x, value, run);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Value, Shape::width> x,
                                             rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                             rows<Value, Shape::kv_width> dvalue, rows<Value, Shape::width> dx,
                                             const Run& run) {
      query_map::backward(parameters.query, gradients.query, memory.query, adjoint.query, derived.query, x, dquery, dx,
                          run);
      key_map::backward(parameters.key, gradients.key, memory.key, adjoint.key, derived.key, x, dkey, dx, run);
      value_map::backward(parameters.value, gradients.value, memory.value, adjoint.value, derived.value, x, dvalue, dx,
                        run);
    }
  };
};

LACUNA_END
