#pragma once
/// Only the largest neurons of each token stay active.

#include <lacuna/activation/applied.hpp>
#include <lacuna/activation/relu.hpp>
#include <lacuna/core/fixed_string.hpp>
#include <lacuna/op/keep_largest.hpp>

LACUNA_BEGIN

namespace detail {

/// The selection behind an elementwise activation.
template <extent_t Kept, class Inner, bool Gated>
struct top_k_form {
  static constexpr bool preserves_zero = Inner::preserves_zero;

  template <extent_t Width>
  struct bound {
    using inner = applied_activation<Inner, Width>;
    template <class Role>
    struct parameters : no_tensors<bound> {};
    template <class Plan>
    struct memory {};
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}

    template <class Parameters, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, rows<Value, Width> x,
                                            rows<Value, Width> y, const Run& run) {
      if constexpr (Kept >= Width)
        inner::forward(parameters, memory, x, y, run);
      else
        op::keep_largest(y, map<Inner>(x), Kept, run.backend);
    }
    /// The selection is constant: what it set to 0 has no gradient.
    template <class Parameters, class Gradients, class Memory, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             rows<Value, Width> x, rows<Value, Width> y, rows<Value, Width> d,
                                             const Run& run) {
      if constexpr (Kept >= Width)
        inner::backward(parameters, gradients, memory, x, y, d, run);
      else
        op::evaluate(d, where_nonzero(d * map_derivative<Inner>(x), y), run.backend);
    }
  };
};
/// The selection behind the product of gate and projection: the gated feed-forward applies it.
template <extent_t Kept, class Gated>
struct top_k_form<Kept, Gated, true> : Gated {
  static constexpr extent_t kept = Kept;
};

/// Entries of the hidden row that a gated activation keeps; 0 for all.
template <class Policy>
inline constexpr extent_t kept_of = 0;
template <class Policy>
  requires requires { Policy::kept; }
inline constexpr extent_t kept_of<Policy> = Policy::kept;

/// Whether it is known how to select behind an activation: an elementwise one, or a gated one that keeps all.
template <class Policy>
inline constexpr bool selects_behind =
    fills<Policy, slots::activation> && !RowActivation<Policy> && kept_of<Policy> == 0;

}  // namespace detail

namespace rules {
template <extent_t Kept>
struct top_k_activation_keeps_one {
  static_assert(Kept > 0, "lacuna::top_k_activation: it keeps no neuron (choose a k of at least 1)");
};
template <bool Fine>
struct top_k_activation_fits {
  static_assert(Fine,
                "lacuna::top_k_activation: its argument is neither elementwise nor gated (write "
                "top_k_activation<64, relu> or top_k_activation<64, gated<silu>>)");
};
}  // namespace rules

/// `top_k_activation<64, relu>`: of each token's activations the k largest stay, the others are 0.
/// `top_k_activation<64, gated<relu>>`: the same of the products act(W_gate x) * (W_up x).
/// `(tokens, hidden) -> (tokens, hidden)`, O(tokens * hidden).
///
/// Largest by magnitude, so that the negative side of `silu` counts; of `relu` these are the largest values. Exactly k
/// entries are chosen, of equals those of lower index. One that is 0 is not active: where fewer than k are not 0, fewer
/// than k stay. Gradients pass through what stays. A k of the hidden width or more changes no bit.
/// Source: Li et al. (2022), "The lazy neuron phenomenon", arXiv 2210.06313, section 4.
template <extent_t Kept, class Inner>
struct top_k_activation : detail::top_k_form<Kept, std::conditional_t<detail::selects_behind<Inner>, Inner, relu>,
                                             detail::selects_behind<Inner> && is_gated<Inner>> {
  static_assert(__is_base_of(nothing, rules::top_k_activation_keeps_one<Kept>) || true);
  static_assert(__is_base_of(nothing, checked<Inner, slots::activation>) || true);
  static_assert(
      __is_base_of(nothing,
                   rules::top_k_activation_fits<detail::selects_behind<Inner> || !fills<Inner, slots::activation>>) ||
      true);
  using slot = slots::activation;
  using parts = type_list<Inner>;
  template <class New>
  using rebuild = top_k_activation<Kept, New>;
  static constexpr auto name =
      fixed_string("top_k_activation<") + decimal<Kept>() + ", " + checked<Inner, slots::activation>::name + ">";
};

LACUNA_END
