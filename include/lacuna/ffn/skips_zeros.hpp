#pragma once
/// The down projection reads the rows of neurons that are not zero, and no others.

#include <lacuna/ffn/neurons.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/format/per_projection.hpp>
#include <lacuna/tensor/active.hpp>

LACUNA_BEGIN

namespace detail {

/// A dense weight that is read by inputs, those that are not zero. `(tokens, inputs) -> (tokens, outputs)`; outputs
/// multiply-adds per input that is not zero.
struct nonzero_inputs {
  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    template <class Role>
    using parameters = typename dense::bound<Outputs, Inputs>::template parameters<Role>;
    template <class Plan>
    struct memory {
      active_lists<Plan::tokens, Inputs> lists;
    };
    template <class Target>
    struct derived {
      input_major<typename Target::weight, Outputs, Inputs> by_input;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      derived.by_input.pack(parameters.weight);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto lists = memory.lists.first(x.count);
      run.find_active(lists, x, active::magnitude_above<std::remove_const_t<Input>>{0});
      run.multiply_some_inputs(y, x, derived.by_input, lists);
    }
    /// Inputs that were zero get their gradient, too: the map is that of the dense weight.
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint&, const Derived&, rows<Input, Inputs> x, rows<Output, Outputs> dy,
                                             rows<Value, Inputs> dx, const Run& run) {
      run.accumulate_some_inputs(gradients.weight, dy, x, memory.lists.first(x.count));
      run.multiply_transposed(dx, dy, parameters.weight);
    }
    /// At most: that of inputs without a zero.
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
  };
};

/// The formats of a feed-forward that skips zeros.
struct skipping {
  template <class Projection>
  using of = std::conditional_t<same<Projection, projection_name::down>, nonzero_inputs, dense>;
  template <extent_t Outputs, extent_t Inputs>
  using bound = dense::bound<Outputs, Inputs>;
};

}  // namespace detail

namespace rules {
template <bool Fine>
struct zeros_stay_zero {
  static_assert(Fine,
                "lacuna::skips_zeros: the activation does not map 0 to 0, so that no neuron is ever silent (choose one "
                "that preserves zero, such as relu)");
};
}  // namespace rules

/// `ffn<hidden<3072>, relu, skips_zeros>`: all neurons are computed, and those that come out as zero are skipped in the
/// down projection, which is kept by neurons instead of in the backend's own form. The function, its gradients and its
/// parameters are those of the feed-forward without the policy; sums differ in rounding at most. It pays where most
/// neurons are silent: with relu and its square after training, hardly with smooth activations.
/// Cost: tokens * hidden * width for the up projection, width per neuron that is not zero for the down projection.
/// Source: Li et al. (2022), "The lazy neuron phenomenon", arXiv 2210.06313, section 5.
struct skips_zeros {
  using slot = slots::neurons;
  static constexpr auto name = fixed_string("skips_zeros");
  template <class Activation, class Format>
  struct checks {
    static_assert(__is_base_of(nothing, rules::neurons_are_rows<same<Format, dense>>) || true);
    static_assert(__is_base_of(nothing,
                               rules::zeros_stay_zero<detail::inner_activation<Activation>::type::preserves_zero>) ||
                  true);
  };
  template <class Format>
  using format = detail::skipping;
};

LACUNA_END
