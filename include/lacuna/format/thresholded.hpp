#pragma once
/// A dense weight whose small inputs count as zero: activation sparsity without training.

#include <lacuna/format/dense.hpp>
#include <lacuna/tensor/active.hpp>

LACUNA_BEGIN

/// y = W (x where |x| > threshold, 0 elsewhere): `(tokens, inputs) -> (tokens, outputs)`; outputs multiply-adds per
/// input above the threshold. `ffn<hidden<172>, gated<silu>, thresholded>` gates the inputs of all projections, each by
/// a threshold of its own; attention takes the format as well.
///
/// Paths: `weight`, `threshold` (one number, in the element of the weights). The threshold is data: it is set by hand
/// or from `magnitude_quantile` of recorded inputs, and its gradient is 0. A threshold of 0 or less switches the gate
/// off: the product is the dense one, bit for bit, by the backend's dense kernel. Keeps a second, input-major copy of
/// the weight.
/// Source: Liu et al. (2024), "TEAL", arXiv 2408.14690, section 4. There the threshold is a quantile of a distribution
/// taken to be symmetric about 0 and the first half of a prompt stays dense in evaluation; here it is the quantile of
/// the magnitude, which is right for any distribution, and it applies to every token.
struct thresholded {
  using slot = slots::format;
  static constexpr bool linear = false;
  static constexpr auto name = fixed_string("thresholded");

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    using plain = typename dense::bound<Outputs, Inputs>;

    template <class Role>
    struct parameters {
      typename Role::template tensor<Outputs, Inputs> weight;
      typename Role::template tensor<1> threshold;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
        v("threshold", s.threshold...);
      }
    };
    template <class Plan>
    struct memory {
      active_lists<Plan::tokens, Inputs> lists;
    };
    template <class Target>
    struct derived : plain::template derived<Target> {
      input_major<typename Target::weight, Outputs, Inputs> by_input;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      plain::refresh(parameters, derived);
      derived.by_input.pack(parameters.weight);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      using value = std::remove_const_t<Input>;
      const auto bound = static_cast<value>(widen(parameters.threshold[0]));
      if (!(bound > 0)) {
        run.multiply(y, x, parameters.weight, derived.packed);
        return;
      }
      const auto lists = memory.lists.first(x.count);
      run.find_active(lists, x, active::magnitude_above<value>{bound});
      run.multiply_some_inputs(y, x, derived.by_input, lists);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint&, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      if (!(widen(parameters.threshold[0]) > 0)) {
        run.accumulate_outer(gradients.weight, dy, x);
        run.multiply_transposed(dx, dy, parameters.weight);
        return;
      }
      const auto lists = memory.lists.first(x.count);
      run.accumulate_some_inputs(gradients.weight, dy, x, lists);
      run.multiply_some_inputs_transposed(dx, dy, derived.by_input, lists);
    }
    /// At most: that of inputs above their threshold.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
  };
};

LACUNA_END
