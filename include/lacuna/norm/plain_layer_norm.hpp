#pragma once
/// Layer normalisation without gain and shift.

#include <lacuna/norm/slots.hpp>
#include <lacuna/op/evaluate.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// y = (x - mean(x)) / sqrt(var(x) + epsilon): `(tokens, width) -> (tokens, width)`, O(tokens * width), no parameters.
/// The variance is the biased one. Source: Ba, Kiros and Hinton (2016), arXiv 1607.06450, eq. (4), without its gain and
/// bias; so in Groeneveld et al. (2024), OLMo, arXiv 2402.00838, section 2.1, and in TokenFormer.
template <epsilon Epsilon = epsilon{}>
struct plain_layer_norm {
  static_assert(__is_base_of(nothing, rules::epsilon_is_no_less_than_zero<Epsilon.fine()>) || true);
  using slot = slots::norm;
  static constexpr auto name = fixed_string("plain_layer_norm");

  template <extent_t Width>
  struct bound {
    template <class Role>
    struct parameters : no_tensors<plain_layer_norm> {};
    template <class Plan>
    struct memory {
      typename Plan::template buffer<1> mean;
      typename Plan::template buffer<1> inverse;  ///< 1 / sqrt(var + epsilon) per token
    };
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      const auto mean = memory.mean.first(x.count), inverse = memory.inverse.first(x.count);
      op::evaluate(mean, row_mean(x), run.backend);
      op::evaluate(inverse, inverse_root(row_mean((x - mean) * (x - mean)) + Epsilon.value), run.backend);
      op::evaluate(y, (x - mean) * inverse, run.backend);
    }
    /// With n = (x - mean) r: dx += r (dy - mean(dy) - n mean(dy n)).
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters&, Gradients&, Memory& memory, rows<Value, Width> x,
                                             rows<Value, Width> dy, rows<Value, Width> dx, const Run& run) {
      const auto mean = memory.mean.first(x.count), r = memory.inverse.first(x.count);
      const auto n = (x - mean) * r;
      op::evaluate(dx, dx + r * (dy - row_mean(dy) - n * row_mean(dy * n)), run.backend);
    }
  };
};

LACUNA_END
