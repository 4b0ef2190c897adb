#pragma once
/// A dense weight and a mask: how a sparse weight is trained before it is packed.

#include <lacuna/format/dense.hpp>
#include <lacuna/format/density.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

struct kept_entries;

namespace slots {
/// What becomes of the entries that a mask leaves out: `kept_entries`, `straight_through` or `sr_ste<>`, each of them
/// in `decaying`, too.
struct mask_gradient {
  using stand_in = kept_entries;
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::masked: the second argument says nothing about gradients (write straight_through or "
                  "sr_ste<>, or leave it out)");
  };
};
}  // namespace slots

/// The gradient of entries that the mask leaves out is 0: the map's own derivative. A trainer sets them and their
/// moments to 0.
struct kept_entries {
  using slot = slots::mask_gradient;
  static constexpr bool straight = false;
  static constexpr bool decays = false;
  static constexpr double shrinks = 0;  ///< what is added to the gradient of a left-out entry, times the entry
  static constexpr auto name = fixed_string("");
};
/// The gradient of the masked weight goes to all entries as if there were no mask, so that entries can come back when
/// the mask is chosen anew. Source: Bengio et al. (2013), arXiv 1308.3432; for masks Zhou et al. (2021), arXiv
/// 2102.04010, eq. (5).
struct straight_through {
  using slot = slots::mask_gradient;
  static constexpr bool straight = true;
  static constexpr bool decays = false;
  static constexpr double shrinks = 0;
  static constexpr auto name = fixed_string(", straight_through");
};

/// The share of a left-out entry that is added to its gradient: `sr_ste<shrinkage{2e-4}>`.
struct shrinkage {
  double value = 0;
  constexpr shrinkage() {}  // g++ 12 takes a defaulted one for undefined in function templates
  constexpr explicit shrinkage(double of) : value(of) {}
  constexpr bool operator==(const shrinkage&) const = default;
  constexpr bool fits() const { return value >= 0 && value < 1; }
};

namespace rules {
template <bool Fine>
struct shrinkage_is_a_share {
  static_assert(
      Fine,
      "lacuna::sr_ste: its shrinkage is no share of a weight (write sr_ste<shrinkage{s}> with s from 0 on and "
      "below 1)");
};
}  // namespace rules

/// Straight through the mask, and what it leaves out shrinks: g + shrinkage (1 - mask) w, so that masks which are
/// chosen anew settle. The term is a loss of the recipe's own, shrinkage / 2 times the square of what is left out, in
/// the mean over a batch once (`loss_scale`); where layers share a weight, once for each of them. 0 is
/// `straight_through`, bit for bit. Made for gradient descent: Adam divides the term by the size of the gradient like
/// everything else. Source: Zhou et al. (2021), arXiv 2102.04010, eq. (8) and (9), with the published 2e-4.
template <shrinkage By = shrinkage{2e-4}>
struct sr_ste {
  static_assert(__is_base_of(nothing, rules::shrinkage_is_a_share<By.fits()>) || true);
  using slot = slots::mask_gradient;
  static constexpr bool straight = true;
  static constexpr bool decays = false;
  static constexpr double shrinks = By.fits() ? By.value : 0;
  static constexpr auto name =
      fixed_string(", sr_ste<") + detail::share_text<static_cast<std::uint32_t>(shrinks * 1e6 + 0.5)>() + ">";
};

namespace rules {
template <bool Fine>
struct decays_one_way {
  static_assert(Fine,
                "lacuna::decaying: what decays says where its gradient goes, once (write decaying<straight_through>, "
                "decaying<sr_ste<>> or decaying<>)");
};
}  // namespace rules

/// The mask comes slowly: what it leaves out is multiplied by a share that `try_decay_masks` takes from 1, the dense
/// weight, to 0, the hard mask, and which is stored beside the mask. `decaying<>` has the map's own gradient, times the
/// same share for these entries, and takes room for one more weight where a model learns or runs;
/// `decaying<straight_through>` the whole gradient, as the released code has it, and `decaying<sr_ste<>>` adds its
/// share of what is left out. Source: Bambhaniya et al. (2024), arXiv 2402.04744, section 3 (MdGF), whose text decays
/// the gradient, too.
template <class Gradient = kept_entries>
struct decaying {
  using slot = slots::mask_gradient;
  static constexpr bool fine = same<slot_of<Gradient>, slots::mask_gradient> && [] {
    if constexpr (requires { Gradient::decays; })
      return !Gradient::decays;
    else
      return false;
  }();
  static_assert(__is_base_of(nothing, rules::decays_one_way<fine>) || true);
  using inner = std::conditional_t<fine, Gradient, kept_entries>;
  static constexpr bool straight = inner::straight;
  static constexpr bool decays = true;
  static constexpr double shrinks = inner::shrinks;
  static constexpr auto name = inner::name + ", decaying";
};

namespace rules {
template <bool Fine>
struct masked_format_has_a_pattern {
  static_assert(
      Fine,
      "lacuna::masked: its format has no pattern that a mask could have (write masked<csr<...>>, blocked, n_m "
      "or block_diagonal)");
};
}  // namespace rules

namespace detail {

/// `left_in` of a weight that is dense still: f32 holds all shares.
inline constexpr std::uint32_t whole_left_in = 1u << 24;

/// Whether a bound format stores some entries and leaves others out.
template <class Map>
inline constexpr bool has_pattern = requires { typename Map::pattern_type; } || requires { Map::blocks; };

}  // namespace detail

/// y = (mask * W) x with all entries of W stored and a mask of zeros and ones beside them: the training view of the
/// sparse format `Packed`, whose pattern the mask has. `(tokens, inputs) -> (tokens, outputs)`, the dense product's
/// multiply-adds. Paths: `weight` `(outputs, inputs)`, `mask` `(outputs, inputs)`, 8 bits; all ones at first.
/// `decaying` ones have `left_in`, too: which share of the rest stays, in 2^24ths of 32 bits; all of it at first.
/// `try_choose_masks` chooses masks, and compress/ packs such a weight into `Packed`. Keeps a copy of the masked
/// weight.
template <class Packed, class Gradient = kept_entries>
struct masked {
  using slot = slots::format;
  using packed_format = checked<Packed, slots::format>;
  using gradient_rule = checked<Gradient, slots::mask_gradient>;
  using parts = type_list<Packed>;
  template <class New>
  using rebuild = masked<New, Gradient>;
  static constexpr auto name = fixed_string("masked<") + packed_format::name + gradient_rule::name + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    /// What the weight is packed into.
    using packed_map = typename packed_format::template bound<Outputs, Inputs>;
    static_assert(__is_base_of(nothing, packed_map) || true);
    static_assert(__is_base_of(nothing, rules::masked_format_has_a_pattern<detail::has_pattern<packed_map>>) || true);

    template <class Role>
    struct parameters {
      using masked_for = packed_format;  ///< for walks that look for masks
      static constexpr bool mask_decays = gradient_rule::decays;
      typename Role::template tensor<Outputs, Inputs> weight;
      LACUNA_NO_ADDRESS typename Role::template integers<std::uint8_t, Outputs, Inputs> mask;
      LACUNA_NO_ADDRESS
      std::conditional_t<gradient_rule::decays, typename Role::template integers<std::uint32_t, 1>, nothing>
          left_in;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("weight", s.weight...);
        v("mask", s.mask...);
        if constexpr (gradient_rule::decays) v("left_in", s.left_in...);
      }
      /// Which share of the entries that the mask leaves out is multiplied.
      template <class Value>
      LACUNA_HD constexpr Value share_left_in() const noexcept {
        if constexpr (gradient_rule::decays)
          return static_cast<Value>(left_in[0]) / static_cast<Value>(detail::whole_left_in);
        else
          return 0;
      }
      /// Whether it is a mask: zeros and ones.
      constexpr status try_check(const path_text& path) const
        requires(Role::has_integers)
      {
        for (extent_t i = 0; i < mask.size; ++i)
          if (mask[i] > 1)
            return detail::damaged(path, "mask", i) << "expected 0 or 1, found " << std::uint64_t{mask[i]};
        if constexpr (gradient_rule::decays)
          if (left_in[0] > detail::whole_left_in)
            return detail::damaged(path, "left_in", 0) << "expected at most " << std::uint64_t{detail::whole_left_in}
                                                       << ", found " << std::uint64_t{left_in[0]};
        return nothing{};
      }
      /// What a mask leaves out for good is 0 after a step, and so are its moments: momentum from before the mask
      /// revives nothing, and what comes back begins anew.
      template <class... Moments>
      LACUNA_HD constexpr void after_step(Moments&... moments) noexcept {
        if constexpr (!gradient_rule::straight) {
          if (share_left_in<float>() > 0) return;
          for (extent_t i = 0; i < mask.size; ++i)
            if (mask[i] == 0) weight[i] = {}, ((moments.weight[i] = 0), ...);
        }
      }
      /// Everything is kept.
      LACUNA_HD constexpr void initialise() noexcept {
        for (auto& each : mask.data) each = 1;
        if constexpr (gradient_rule::decays) left_in[0] = detail::whole_left_in;
      }
    };
    /// Whether backward needs the gradient of one call by itself, which it then multiplies by shares.
    static constexpr bool weighs_gradients = gradient_rule::decays && !gradient_rule::straight;
    template <class Plan>
    struct memory {
      LACUNA_NO_ADDRESS
      std::conditional_t<weighs_gradients && !Plan::keeps, tensor<typename Plan::value, Outputs, Inputs>, nothing>
          outer;
    };
    template <class Target>
    struct derived {
      tensor<typename Target::weight, Outputs, Inputs> kept;  ///< mask * weight
      typename Target::template packed<Outputs, Inputs> packed{};
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      using element = std::remove_reference_t<decltype(derived.kept[0])>;
      using value = compute_t<element>;
      const value share = parameters.template share_left_in<value>();
      for (extent_t i = 0; i < parameters.weight.size; ++i)
        derived.kept[i] = parameters.mask[i] != 0 ? parameters.weight[i]
                          : share == 0            ? element{}
                                       : static_cast<element>(static_cast<value>(widen(parameters.weight[i])) * share);
      if constexpr (!same<decltype(derived.packed), nothing>) derived.packed.pack(derived.kept);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters&, Memory&, const Derived& derived, rows<Input, Inputs> x,
                                            rows<Output, Outputs> y, const Run& run) {
      run.multiply(y, x, derived.kept, derived.packed);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory&,
                                             [[maybe_unused]] Adjoint& adjoint, const Derived& derived,
                                             rows<Input, Inputs> x, rows<Output, Outputs> dy, rows<Value, Inputs> dx,
                                             const Run& run) {
      if constexpr (weighs_gradients) {
        for (auto& each : adjoint.outer.data) each = 0;
        run.accumulate_outer(adjoint.outer, dy, x);
        const auto share = parameters.template share_left_in<std::remove_cvref_t<decltype(gradients.weight[0])>>();
        for (extent_t i = 0; i < parameters.mask.size; ++i)
          gradients.weight[i] += parameters.mask[i] != 0 ? adjoint.outer[i] : share * adjoint.outer[i];
      } else {
        run.accumulate_outer(gradients.weight, dy, x);
      }
      if constexpr (!gradient_rule::straight && !gradient_rule::decays)
        for (extent_t i = 0; i < parameters.mask.size; ++i)
          if (parameters.mask[i] == 0) gradients.weight[i] = 0;
      if constexpr (gradient_rule::shrinks > 0) {
        const auto gradient = gradients.weight.view();
        using value = typename decltype(gradient)::element;
        run.evaluate(gradient, gradient + static_cast<value>(gradient_rule::shrinks * run.loss_scale) *
                                              (parameters.weight.view() - derived.kept.view()));
      }
      run.multiply_transposed(dx, dy, derived.kept);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return std::uint64_t{tokens} * Outputs * Inputs; }
  };
};

LACUNA_END
