#pragma once
/// A map made of tokens: inputs attend to learned keys and values, in the place of a linear map.

#include <lacuna/core/erf_gelu.hpp>
#include <lacuna/core/tau.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/tensor/expression.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct tau_of_tokens_is_not_negative {
  static_assert(Fine,
                "lacuna::parameter_tokens: tau is negative or no number (write tau{8}, tau_of(64), or tau{} for the "
                "root of the number of tokens)");
};
}  // namespace rules

namespace detail {

/// 1 / length from a length's square. A length whose square has no full precision counts as 0, and its inverse as 0,
/// too, so that such a row has neither an output nor a gradient; what is no number stays none.
struct inverse_of_length {
  template <class Value>
  LACUNA_HD static constexpr Value value(Value square) noexcept {
    constexpr Value smallest =
        same<Value, double> ? static_cast<Value>(2.2250738585072014e-308) : static_cast<Value>(1.17549435e-38f);
    return square < smallest ? Value(0) : Value(1) / static_cast<Value>(maths::sqrt(square));
  }
};

}  // namespace detail

/// y = gelu(tau S / |S|) V with S = x K^T: attention of a token to `Count` learned keys K `(count, inputs)` and values
/// V
/// `(count, outputs)`, in the place of any weight: `attention<heads<4>, causal, parameter_tokens<>>`. gelu is the erf
/// form, |S| the length of the token's row of scores. `(tokens, inputs) -> (tokens, outputs)`; tokens * count * (inputs
/// + outputs) multiply-adds forward, twice that backward. Not linear: any positive multiple of x gives the same y.
///
/// `Count` 0 are as many tokens as outputs. `Tau{}` is the root of `Count`; a constant, such as `tau_of(64)`, stays
/// when tokens are added: a token whose key is 0 then changes nothing, and still learns, since gelu'(0) = 1/2 (see
/// `grow`). Paths: `key` `(count, inputs)`, `value` `(outputs, count)`, so that both products are dense ones and
/// backends pack both. A row of scores whose squares add up to less than the smallest normal number counts as 0:
/// output 0, gradient 0.
/// Source: Wang et al. (2024), TokenFormer, arXiv 2410.23168, eq. (4) and (5), where tau stays; the released code takes
/// the root of the grown count, which changes the function, and the grown keys as they are drawn.
template <extent_t Count = 0, tau Tau = tau{}>
struct parameter_tokens {
  static_assert(__is_base_of(nothing, rules::tau_of_tokens_is_not_negative<(Tau.value >= 0)>) || true);
  using slot = slots::format;
  static constexpr bool linear = false;
  static constexpr auto name = fixed_string("parameter_tokens<") + decimal<Count>() + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    static constexpr extent_t count = Count == 0 ? Outputs : Count;
    static constexpr double factor = Tau.value > 0 ? Tau.value : tau_of(count).value;

    template <class Role>
    struct parameters {
      typename Role::template tensor<count, Inputs> key;
      typename Role::template tensor<Outputs, count> value;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("key", s.key...);
        v("value", s.value...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<count> scores;  ///< as an adjoint: of the weights, then of the scores
      typename Plan::template buffer<1> scale;       ///< tau / |S|, or 0
      LACUNA_NO_ADDRESS typename Plan::template saved<count>
          weights;  ///< gelu(...); without it they overwrite the scores
    };
    template <class Target>
    struct derived {
      typename Target::template packed<count, Inputs> key{};
      typename Target::template packed<Outputs, count> value{};
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      if constexpr (!same<decltype(derived.key), nothing>) derived.key.pack(parameters.key);
      if constexpr (!same<decltype(derived.value), nothing>) derived.value.pack(parameters.value);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto scores = memory.scores.first(x.count), weights = weights_of(memory, x.count);
      const auto scale = memory.scale.first(x.count);
      run.multiply(scores, x, parameters.key, derived.key);
      run.evaluate(scale, map<detail::inverse_of_length>(row_sum(scores * scores)) * factor);
      run.evaluate(weights, map<erf_gelu>(scores * scale));
      run.multiply(y, weights, parameters.value, derived.value);
    }
    /// With z = S r, r = tau / |S|: dS = r (dz - z (z . dz) / tau^2).
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived&, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      const auto d = adjoint.scores.first(x.count);
      const auto scale = memory.scale.first(x.count);
      const auto z = memory.scores.first(x.count) * scale;
      run.accumulate_outer(gradients.value, dy, weights_of(memory, x.count));
      d.fill(0);
      run.multiply_transposed(d, dy, parameters.value);
      run.evaluate(d, d * map_derivative<erf_gelu>(z));
      run.evaluate(d, scale * (d - z * (row_sum(d * z) * (1 / (factor * factor)))));
      run.accumulate_outer(gradients.key, d, x);
      run.multiply_transposed(dx, d, parameters.key);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return std::uint64_t{tokens} * count * (Inputs + Outputs);
    }

   private:
    template <class Memory>
    LACUNA_HD static constexpr auto weights_of(Memory& memory, extent_t tokens) {
      return saved_or(memory.weights, memory.scores.first(tokens));
    }
  };
};

LACUNA_END
