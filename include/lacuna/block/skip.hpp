#pragma once
/// The sublayer that is left out.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// f(x) = 0, in the place of an attention or a feed-forward: `substitute<recipe, attention<...>, skip>`.
///
/// The library's blocks leave it out together with its norms, so that `pre_norm<rms_norm<>, skip, ffn<...>>` is
/// `pre_norm<rms_norm<>, ffn<...>>` in figures, paths and bits; a block of nothing but `skip` is y = x. Elsewhere it
/// writes zeros. No tensors, no state, no multiply-adds.
struct skip {
  using slot = slots::sublayer;
  static constexpr auto name = fixed_string("skip");
  static constexpr auto role = fixed_string("skip");

  template <class At>
  struct bound {
    using out = At;
    template <class Role>
    struct parameters : no_tensors<skip> {};
    template <class Role>
    struct state : no_tensors<skip> {};
    template <class Plan>
    using memory = nothing;
    template <class Target>
    using derived = nothing;
    template <class Plan>
    using shares = type_list<>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters&, Derived&) {}
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values, rows<Value, At::width>, rows<Value, At::width> y, const Run&) {
      y.fill(0);
    }
    /// The output depends on nothing.
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values, Adjoints, rows<Value, At::width>, rows<Value, At::width>,
                                             rows<Value, At::width>, const Run&) {}
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t) { return 0; }
    template <class Function>
    static constexpr void facts(Function&&) {}
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

LACUNA_END
