#pragma once
/// Values of near tokens are added to what attention mixed.

#include <lacuna/attention/gate/no_gate.hpp>
#include <lacuna/format/projection.hpp>
#include <lacuna/op/convolve_rows.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct neighbours_on_both_sides {
  static_assert(Fine,
                "lacuna::local_enhancement: the kernel is not odd, and has no middle (write local_enhancement<3>)");
};
template <bool Fine>
struct own_values_are_enhanced {
  static_assert(Fine,
                "lacuna::local_enhancement: there are fewer value heads than heads, and each head is enhanced by its "
                "own values (leave kv_heads out)");
};
}  // namespace rules

/// mixed(t, c) += b(c) + the sum over u of w(c, u) value(t + u - Kernel / 2, c): a convolution of every column of the
/// values over positions, 0 beyond the ends of the stream, added before the output projection. It tells positions, and
/// is as near as attention is far. At most tokens * query width * Kernel multiply-adds. Rows see Kernel / 2 tokens
/// ahead: the stream is taken whole, unless `Kernel` is 1. Paths: `local.weight` `(query width, Kernel)`, `local.bias`.
/// Source: Zhu et al. (2023), BiFormer, arXiv 2303.08810, eq. (5), here in one dimension; after Ren et al. (2022),
/// Shunted Transformer, arXiv 2111.15193. With the bias of the released convolution; `local_enhancement<3, no_bias>` is
/// the formula.
template <extent_t Kernel = 3, class Bias = bias>
struct local_enhancement {
  static_assert(__is_base_of(nothing, rules::neighbours_on_both_sides<Kernel % 2 == 1>) || true);
  using slot = slots::gate;
  static constexpr bool mixes_tokens = Kernel > 1;
  static constexpr auto name = fixed_string("local_enhancement<") + decimal<Kernel>() + ">";

  template <class Shape>
  struct bound {
    static constexpr bool own_values = Shape::heads == Shape::kv_heads;
    static_assert(__is_base_of(nothing, rules::own_values_are_enhanced<own_values>) || true);
    static constexpr extent_t columns = Shape::query_width;
    static constexpr extent_t taps = Kernel % 2 == 1 ? Kernel : 1;
    static constexpr bool sees_ahead = taps > 1;

    template <class Role>
    struct convolution {
      typename Role::template tensor<columns, taps> weight;
      LACUNA_NO_ADDRESS std::conditional_t<Bias::present, typename Role::template tensor<columns>, nothing> bias;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
        if constexpr (Bias::present) v("bias", s.bias...);
      }
    };
    template <class Role>
    struct parameters {
      convolution<Role> local;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("local", s.local...);
      }
    };
    template <class Plan>
    struct memory {
      LACUNA_NO_ADDRESS typename Plan::template saved<columns>
          passed;  ///< without it the sum overwrites attention's output
    };
    template <class Target>
    struct derived {};
    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) {}
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    /// Of a whole stream.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return operation::convolution::products<taps>(tokens) * columns;
    }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr auto forward(const Parameters& parameters, Memory& memory, const Derived&,
                                            rows<Value, Shape::width>, rows<Value, Shape::kv_width> value,
                                            rows<Value, columns> mixed, const Run& run) {
      const auto to = passed(memory, mixed);
      if constexpr (Bias::present)
        op::evaluate(to, mixed + parameters.local.bias, run.backend);
      else if (to.data != mixed.data)
        op::evaluate(to, mixed, run.backend);
      op::convolve_rows(to, own(value), parameters.local.weight, run.backend);
      return to;
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                             const Derived&, rows<Value, Shape::width>,
                                             rows<Value, Shape::kv_width> value, rows<Value, columns>,
                                             rows<Value, columns> dmixed, rows<Value, Shape::kv_width> dvalue,
                                             rows<Value, Shape::width>, const Run& run) {
      if constexpr (Bias::present) op::sum_over_tokens(gradients.local.bias, dmixed, dmixed.count, run.backend);
      op::convolve_rows_backward(own(dvalue), gradients.local.weight, dmixed, own(value), parameters.local.weight,
                                 run.backend);
    }
    template <class Memory, class Value>
    LACUNA_HD static constexpr auto passed(Memory& memory, rows<Value, columns> mixed) {
      return saved_or(memory.passed, mixed);
    }

   private:
    /// Values are as wide as queries; after a complaint they are taken to be.
    template <class Value>
    LACUNA_HD static constexpr rows<Value, columns> own(rows<Value, Shape::kv_width> of) {
      return {of.data, own_values ? of.count : 0};
    }
  };
};

LACUNA_END
