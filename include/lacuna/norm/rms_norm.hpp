#pragma once
/// Root-mean-square normalisation.

#include <lacuna/norm/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y = gain * x / sqrt(mean(x^2) + epsilon): `(tokens, width) -> (tokens, width)`, O(tokens * width).
/// Source: Zhang and Sennrich (2019), arXiv 1910.07467, eq. (4); epsilon inside the root, as Llama's code has it.
template <epsilon Epsilon = epsilon{}>
struct rms_norm {
  static_assert(__is_base_of(nothing, rules::epsilon_is_no_less_than_zero<Epsilon.fine()>) || true);
  using slot = slots::norm;
  static constexpr auto name = fixed_string("rms_norm");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<Width> gain;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("gain", s.gain...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<1> inverse;  ///< 1 / sqrt(mean(x^2) + epsilon) per token
    };
    /// A fresh norm passes its input through, scaled to unit mean square.
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      for (auto& gain : parameters.gain.data) gain = std::remove_reference_t<decltype(gain)>(1.0f);
    }

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      const auto inverse = memory.inverse.first(x.count);
      op::evaluate(inverse, inverse_root(row_mean(x * x) + Epsilon.value), run.backend);
      op::evaluate(y, x * inverse * parameters.gain, run.backend);
    }
    /// dx += r (gain dy - x r^2 mean(gain dy x)), dgain += sum over tokens of dy x r, with r the saved inverse.
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             rows<Value, Width> x, rows<Value, Width> dy, rows<Value, Width> dx,
                                             const Run& run) {
      const auto r = memory.inverse.first(x.count);
      op::sum_over_tokens(gradients.gain, dy * x * r, x.count, run.backend);
      op::evaluate(dx, dx + r * (dy * parameters.gain - x * (row_mean(dy * parameters.gain * x) * r * r)), run.backend);
    }
  };
};

LACUNA_END
