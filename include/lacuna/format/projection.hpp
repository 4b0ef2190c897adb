#pragma once
/// A linear map as components use it: a weight in some format and an optional bias.

#include <lacuna/format/dense.hpp>
#include <lacuna/format/per_projection.hpp>
#include <lacuna/tensor/expression.hpp>

LACUNA_BEGIN

/// No bias: the map is linear.
struct no_bias {
  using slot = slots::bias;
  static constexpr auto name = fixed_string("no_bias");
  static constexpr bool present = false;
};
/// Every projection of the component adds one learned value per output.
struct bias {
  using slot = slots::bias;
  static constexpr auto name = fixed_string("bias");
  static constexpr bool present = true;
};

namespace detail {

/// What a format asks of the sizes of a weight, where it says so: a struct whose body complains.
template <class Format, extent_t Outputs, extent_t Inputs>
struct asked_by_format {
  using type = nothing;
};
template <class Format, extent_t Outputs, extent_t Inputs>
  requires requires { typename Format::template asks<Outputs, Inputs>; }
struct asked_by_format<Format, Outputs, Inputs> {
  using type = typename Format::template asks<Outputs, Inputs>;
};
template <class Format, extent_t Outputs, extent_t Inputs>
using asked_of_sizes = typename asked_by_format<Format, Outputs, Inputs>::type;

}  // namespace detail

/// y = x W^T + b: `(tokens, inputs) -> (tokens, outputs)`. Paths: `weight` (or what the format stores), `bias`.
template <class Format, class Bias, extent_t Outputs, extent_t Inputs>
struct projection {
  using format_type = Format;
  using format = typename Format::template bound<Outputs, Inputs>;
  static constexpr extent_t outputs = Outputs, inputs = Inputs;
  // Asked first, by itself, so that what a format says about the sizes is told from nearby.
  static_assert(__is_base_of(nothing, detail::asked_of_sizes<Format, Outputs, Inputs>) || true);
  static_assert(__is_base_of(nothing, format) || true);

  template <class Role>
  struct parameters : format::template parameters<Role> {
    using base = typename format::template parameters<Role>;
    using map = projection;  ///< for walks that look for linear maps
    using element = typename Role::element;
    LACUNA_NO_ADDRESS std::conditional_t<Bias::present, typename Role::template tensor<Outputs>, nothing> bias;

    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      base::visit(v, s...);
      if constexpr (Bias::present) v("bias", s.bias...);
    }
  };
  template <class Plan>
  using memory = typename format::template memory<Plan>;
  template <class Target>
  using derived = typename format::template derived<Target>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    format::refresh(parameters, derived);
  }
  template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
  LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                          rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
    format::forward(parameters, memory, derived, x, y, run);
    if constexpr (Bias::present) run.evaluate(y, y + parameters.bias);
  }
  template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
            class Value, class Run>
  LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                           Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                           rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
    format::backward(parameters, gradients, memory, adjoint, derived, x, dy, dx, run);
    if constexpr (Bias::present) run.sum_over_tokens(gradients.bias, dy, dy.count);
  }
  static constexpr std::uint64_t multiply_adds(extent_t tokens) { return format::multiply_adds(tokens); }
};

LACUNA_END
