#pragma once
/// Weights of eight bits, with activations in numbers or of eight bits.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/quantized.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

struct plain_activations;

namespace slots {
/// How a quantised weight takes its inputs: `plain_activations` or `activations<8>`.
struct activations {
  using stand_in = plain_activations;
};
}  // namespace slots

namespace rules {
template <bool Fine>
struct bits_of_weights_are_known {
  static_assert(Fine, "lacuna::quantized: weights of that many bits are not known (write quantized<8>)");
};
template <bool Fine>
struct bits_of_activations_are_known {
  static_assert(Fine,
                "lacuna::activations: activations of that many bits are not known (write activations<8>, or leave them "
                "in numbers)");
};
template <bool Fine>
struct says_how_activations_are_taken {
  static_assert(Fine,
                "lacuna::quantized: the second argument does not say how activations are taken (write "
                "quantized<8, activations<8>>, or quantized<8>)");
};
template <bool Fine>
struct few_enough_inputs {
  static_assert(
      Fine,
      "lacuna::quantized: 32 bits do not hold the sum of so many products of integers (at most 133144 inputs, "
      "or write quantized<8>, without activations<8>)");
};
}  // namespace rules

/// Activations as they come, in the compute type.
struct plain_activations {
  using slot = slots::activations;
  static constexpr auto name = fixed_string("plain_activations");
  static constexpr bool quantised = false;
};
/// Activations of `Bits` bits: each token's inputs to a projection get a scale of their own, at run time.
template <extent_t Bits>
struct activations {
  static_assert(__is_base_of(nothing, rules::bits_of_activations_are_known<Bits == 8>) || true);
  using slot = slots::activations;
  static constexpr auto name = fixed_string("activations<") + decimal<Bits>() + ">";
  static constexpr bool quantised = true;
};

namespace detail {

/// What both forms of `quantized` store.
template <extent_t Outputs, extent_t Inputs>
struct quantized_weight {
  template <class Role>
  struct parameters {
    LACUNA_NO_ADDRESS typename Role::template integers<std::int8_t, Outputs, Inputs> weight;
    typename Role::template tensor<Outputs> scale;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("weight", s.weight...);
      v("scale", s.scale...);
    }
    /// Whether it is what a symmetric quantiser writes. The kernels rely on it: sums fit because -128 does not occur.
    constexpr status try_check(const path_text& path) const
      requires(Role::has_integers)
    {
      for (extent_t at = 0; at < weight.size; ++at)
        if (weight[at] < -most_of_eight_bits)
          return detail::damaged(path, "weight", at) << "expected an integer from -127 to 127, found -128";
      for (extent_t at = 0; at < scale.size; ++at)
        if (!(widen(scale[at]) >= 0))
          return detail::damaged(path, "scale", at) << "expected a number from 0 on, found one below it or none";
      return nothing{};
    }
    /// A scale that a step took below 0 is 0: rows change their sign by their integers.
    template <class... Moments>
    LACUNA_HD constexpr void after_step(Moments&...) noexcept {
      for (auto& of_row : scale.data)
        if (widen(of_row) < 0) of_row = {};
    }
  };
  template <class Target>
  struct derived {};
  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) noexcept {}

  template <class Parameters>
  LACUNA_HD static constexpr auto view(const Parameters& parameters) noexcept {
    using element = std::remove_cvref_t<decltype(parameters.scale[0])>;
    return quantized_matrix<element, Outputs, Inputs>(parameters.weight.data, parameters.scale.data);
  }
  static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
};

/// Weights alone are quantised.
template <extent_t Outputs, extent_t Inputs>
struct quantized_bound : quantized_weight<Outputs, Inputs> {
  using base = quantized_weight<Outputs, Inputs>;
  template <class Plan>
  struct memory {};

  template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
  LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory&, const Derived&, rows<Input, Inputs> x,
                                          rows<Output, Outputs> y, const Run& run) {
    run.multiply_quantized(y, x, base::view(parameters));
  }
  template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
            class Value, class Run>
  LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&, Adjoint&,
                                           const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                           rows<Value, Inputs> dx, const Run& run) {
    run.accumulate_scales(gradients.scale, dy, x, base::view(parameters));
    run.multiply_quantized_transposed(dx, dy, base::view(parameters));
  }
};

/// Weights and activations are quantised: the activations anew for every token.
template <extent_t Outputs, extent_t Inputs>
struct quantized_bound_of_integers : quantized_weight<Outputs, Inputs> {
  using base = quantized_weight<Outputs, Inputs>;
  template <class Plan>
  struct memory {
    quantized_buffer<typename Plan::value, Plan::tokens, Inputs> inputs;
  };

  template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
  LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived&,
                                          rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
    const auto inputs = memory.inputs.first(x.count);
    run.quantize_rows(inputs, x);
    run.multiply_integers(y, inputs, base::view(parameters));
  }
  template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
            class Value, class Run>
  LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory, Adjoint&,
                                           const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                           rows<Value, Inputs> dx, const Run& run) {
    run.accumulate_scales(gradients.scale, dy, memory.inputs.first(x.count), base::view(parameters));
    run.multiply_quantized_transposed(dx, dy, base::view(parameters));
  }
};

}  // namespace detail

/// A weight of integers from -127 to 127, and a scale per output: y(o) = scale(o) * sum over i of weight(o, i) x(i).
/// `(tokens, inputs) -> (tokens, outputs)`, tokens * outputs * inputs multiply-adds.
///
/// Paths: `weight` `(outputs, inputs)`, 8 bits; `scale` `(outputs)`, in the element of the weights. `quantize_row`
/// (format/quantize.hpp) makes both from a row of numbers. Scales have their exact gradient, integers have none.
///
/// `quantized<8>` takes inputs as they are: a quarter of the bytes of f32, but every weight is widened, which pays only
/// where weights come from beyond the second cache. `quantized<8, activations<8>>` quantises the inputs of every token,
/// too, by max |x| / 127; products and sums are those of integers, exact, so that all backends give the same bits. At
/// most 133144 inputs. The gradient passes straight through that rounding: dx += dy W. What is no number among the
/// inputs of a token, or is infinite, makes all its outputs none.
/// Source: symmetric integers and integer products as in Jacob et al. (2017), arXiv 1712.05877, section 2, with a zero
/// point of 0; a scale per output and a run-time scale per token as in Yao et al. (2022), "ZeroQuant", arXiv
/// 2206.01861, section 4; the straight-through gradient is that of Bengio et al. (2013), arXiv 1308.3432.
template <extent_t Bits, class Activations = plain_activations>
struct quantized {
  static constexpr bool takes = same<slot_of<Activations>, slots::activations>;
  static_assert(__is_base_of(nothing, rules::bits_of_weights_are_known<Bits == 8>) || true);
  static_assert(__is_base_of(nothing, rules::says_how_activations_are_taken<takes>) || true);
  using slot = slots::format;
  using taken = std::conditional_t<takes, Activations, plain_activations>;
  static constexpr bool linear = !taken::quantised;  ///< inputs that are rounded do not add up
  static constexpr auto name = [] {
    if constexpr (taken::quantised)
      return fixed_string("quantized<") + decimal<Bits>() + ", " + taken::name + ">";
    else
      return fixed_string("quantized<") + decimal<Bits>() + ">";
  }();

  template <extent_t Outputs, extent_t Inputs>
  struct checked_inputs {
    static constexpr bool fit = !taken::quantised || Inputs <= most_integer_inputs;
    static_assert(__is_base_of(nothing, rules::few_enough_inputs<fit>) || true);
    using type = std::conditional_t<taken::quantised && fit, detail::quantized_bound_of_integers<Outputs, Inputs>,
                                    detail::quantized_bound<Outputs, Inputs>>;
  };
  template <extent_t Outputs, extent_t Inputs>
  struct bound : checked_inputs<Outputs, Inputs>::type {};
};

LACUNA_END
