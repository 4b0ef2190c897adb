#pragma once
/// What blocks may be told about their norms: which one stands behind a sublayer, and who shares one.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/norm/no_norm.hpp>

LACUNA_BEGIN

struct no_output_norm;
struct shared_norms;

namespace slots {
/// `on_output<rms_norm<>>`, `no_output_norm`.
struct output_norm {
  using stand_in = no_output_norm;
};
/// `own_norms`, `shared_norms`.
struct norm_sharing {
  using stand_in = shared_norms;
};
}  // namespace slots

/// The norm behind a sublayer, where it is another one than before it: `peri_norm<rms_norm<>, on_output<layer_norm<>>,
/// ...>`.
template <class Norm>
struct on_output {
  using slot = slots::output_norm;
  using norm = checked<Norm, slots::norm>;
  using parts = type_list<Norm>;
  template <class New>
  using rebuild = on_output<New>;
  static constexpr auto name = fixed_string("on_output<") + norm::name + ">";
};
/// A sublayer's output is added as it is.
struct no_output_norm {
  using slot = slots::output_norm;
  using norm = no_norm;
  static constexpr auto name = fixed_string("no_output_norm");
};

/// Every branch of a `parallel` block, every application of a `shared` block has norms of its own.
struct own_norms {
  using slot = slots::norm_sharing;
  static constexpr auto name = fixed_string("own_norms");
};
/// All branches of a `parallel` block have one norm; all applications of a `shared` block have the same norms.
struct shared_norms {
  using slot = slots::norm_sharing;
  static constexpr auto name = fixed_string("shared_norms");
};

namespace detail {

/// The norm that a choice for outputs stands for: a plain norm stands for itself.
template <class Choice>
struct output_norm_of {
  using type = Choice;
};
template <class Choice>
  requires same<slot_of<Choice>, slots::output_norm>
struct output_norm_of<Choice> {
  using type = typename Choice::norm;
};

}  // namespace detail

LACUNA_END
