#pragma once
/// Layer normalisation with gain and shift.

#include <lacuna/norm/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y = gain * (x - mean(x)) / sqrt(var(x) + epsilon) + shift: `(tokens, width) -> (tokens, width)`, O(tokens * width).
/// The variance is the biased one. Source: Ba, Kiros and Hinton (2016), arXiv 1607.06450, eq. (4).
template <epsilon Epsilon = epsilon{}>
struct layer_norm {
  static_assert(__is_base_of(nothing, rules::epsilon_is_no_less_than_zero<Epsilon.fine()>) || true);
  using slot = slots::norm;
  static constexpr auto name = fixed_string("layer_norm");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters {
      typename Role::template tensor<Width> gain;
      typename Role::template tensor<Width> shift;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("gain", s.gain...);
        v("shift", s.shift...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<1> mean;
      typename Plan::template buffer<1> inverse;  ///< 1 / sqrt(var + epsilon) per token
    };
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      for (auto& gain : parameters.gain.data) gain = std::remove_reference_t<decltype(gain)>(1.0f);
    }

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      const auto mean = memory.mean.first(x.count), inverse = memory.inverse.first(x.count);
      op::evaluate(mean, row_mean(x), run.backend);
      op::evaluate(inverse, inverse_root(row_mean((x - mean) * (x - mean)) + Epsilon.value), run.backend);
      op::evaluate(y, (x - mean) * inverse * parameters.gain + parameters.shift, run.backend);
    }
    /// With n = (x - mean) r and g = gain dy: dx += r (g - mean(g) - n mean(g n)).
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             rows<Value, Width> x, rows<Value, Width> dy, rows<Value, Width> dx,
                                             const Run& run) {
      const auto mean = memory.mean.first(x.count), r = memory.inverse.first(x.count);
      const auto g = dy * parameters.gain;
      const auto n = (x - mean) * r;
      op::sum_over_tokens(gradients.gain, dy * n, x.count, run.backend);
      op::sum_over_tokens(gradients.shift, dy, x.count, run.backend);
      op::evaluate(dx, dx + r * (g - row_mean(g) - n * row_mean(g * n)), run.backend);
    }
  };
};

LACUNA_END
