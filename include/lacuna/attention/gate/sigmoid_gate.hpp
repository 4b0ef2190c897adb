#pragma once
/// Each token decides how much of each head's output passes.

#include <lacuna/activation/sigmoid.hpp>
#include <lacuna/attention/gate/no_gate.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

/// How far a gate is open at first: `sigmoid_gate<openness{0.25f}>`.
struct openness {
  float value = 0.5f;
  constexpr openness() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit openness(float of) : value(of) {}
  constexpr bool operator==(const openness&) const = default;
};

namespace rules {
template <bool Fine>
struct openness_is_a_share {
  static_assert(Fine, "lacuna::sigmoid_gate: the openness is not between 0 and 1 (write openness{0.25f})");
};
}  // namespace rules

/// o_h *= sigmoid(w_h . x + b_h) for each head h, before the output projection: a head can fall silent without its
/// scores growing. tokens * width * heads multiply-adds. Paths: `gate.weight`, `gate.bias`; the bias starts where the
/// gate is `Open` for x = 0.
/// Source: Bondarenko, Nagel and Blankevoort (2023), arXiv 2306.12929, section 4.2, in the released code's form that
/// reads all features; the paper's own, which reads the head's slice of x, is this one with the other weights 0.
template <openness Open = openness{}>
struct sigmoid_gate {
  static_assert(__is_base_of(nothing, rules::openness_is_a_share<(Open.value > 0 && Open.value < 1)>) || true);
  using slot = slots::gate;
  static constexpr auto name = fixed_string("sigmoid_gate");

  template <class Shape>
  struct bound {
    static constexpr extent_t heads = Shape::heads, width = Shape::width, query_width = Shape::query_width;
    using map_type = projection<dense, bias, heads, width>;
    template <class Role>
    struct parameters {
      typename map_type::template parameters<Role> gate;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("gate", s.gate...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<heads> gate;  ///< open to this share; as an adjoint: of the logit
      LACUNA_NO_ADDRESS typename Plan::template saved<query_width>
          passed;  ///< without it the product overwrites attention's output
      LACUNA_NO_ADDRESS typename map_type::template memory<Plan> map_memory;
    };
    template <class Target>
    using derived = typename map_type::template derived<Target>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      map_type::refresh(parameters.gate, derived);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      const double open = Open.value;
      for (auto& of : parameters.gate.bias.data)
        of = static_cast<std::remove_reference_t<decltype(of)>>(static_cast<float>(maths::log(open / (1 - open))));
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return map_type::multiply_adds(tokens); }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr auto forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Value, width> x, rows<Value, Shape::kv_width>,
                                            rows<Value, query_width> mixed, const Run& run) {
      const auto gate = memory.gate.first(x.count);
      map_type::forward(parameters.gate, memory.map_memory, derived, x, gate, run);
      op::evaluate(gate, map<sigmoid>(gate), run.backend);
      const auto to = passed(memory, mixed);
      op::evaluate(split_columns<heads>(to), split_columns<heads>(mixed) * split_columns<heads>(gate), run.backend);
      return to;
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Value, width> x,
                                             rows<Value, Shape::kv_width>, rows<Value, query_width> mixed,
                                             rows<Value, query_width> dmixed, rows<Value, Shape::kv_width>,
                                             rows<Value, width> dx, const Run& run) {
      const auto gate = memory.gate.first(x.count), dlogit = adjoint.gate.first(x.count);
      const auto share = split_columns<heads>(gate);
      op::evaluate(split_columns<heads>(dlogit),
                   row_mean(split_columns<heads>(dmixed) * split_columns<heads>(mixed)) *
                       (share * (Value(1) - share) * Value(Shape::head_width)),
                   run.backend);
      op::evaluate(split_columns<heads>(dmixed), split_columns<heads>(dmixed) * share, run.backend);
      map_type::backward(parameters.gate, gradients.gate, memory.map_memory, adjoint.map_memory, derived, x, dlogit, dx,
                         run);
    }
    template <class Memory, class Value>
    LACUNA_HD static constexpr auto passed(Memory& memory, rows<Value, query_width> mixed) {
      return saved_or(memory.passed, mixed);
    }
  };
};

LACUNA_END
