#pragma once
/// A sublayer of whose output elements are left out while the model learns.

#include <lacuna/block/skip.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/core/probability.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

namespace rules {
template <class Sublayer>
struct dropout_holds_a_sublayer {
  static_assert(
      same<slot_of<Sublayer>, slots::sublayer>,
      "lacuna::dropout: only a sublayer has dropout (write dropout<attention<...>> or dropout<ffn<...>> inside "
      "a block)");
};
template <bool Fine>
struct dropout_is_a_share {
  static_assert(Fine, "lacuna::dropout: the probability is not from 0 to below 1 (write probability{0.1})");
};
}  // namespace rules

namespace detail {

/// What a sublayer with dropout keeps.
template <class Plan, extent_t Width>
struct kept_by_dropout {
  drop_key left_out;  ///< of the last forward; nothing was left out where `dropped` is 0
  typename Plan::template buffer<Width> adjoint;
};

}  // namespace detail

/// `dropout<attention<...>, probability{0.1}>`: the sublayer, of whose output `(tokens, width)` each element is 0 with
/// this probability and divided by 1 - p otherwise, in forwards that were given `random_draws` (`model::draw`, which
/// trainers do for lessons that learn). All other forwards, and models that only run, are those of the sublayer alone,
/// bit for bit and byte by byte; so are parameters, paths and cost. A model that learns keeps tokens * width values
/// more. What is left out is a function of (seed, stream, place): the same on any thread and after an interruption.
///
/// Weights of attention are not dropped. Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural
/// networks from overfitting", on outputs of sublayers as in Vaswani et al. (2017), arXiv 1706.03762, section 5.4.
template <class Sublayer, probability Dropped = probability{0.1}>
struct dropout {
  static_assert(__is_base_of(nothing, rules::dropout_holds_a_sublayer<Sublayer>) || true);
  static constexpr bool complained = !same<slot_of<Sublayer>, slots::sublayer>;
  static constexpr bool share = Dropped.value >= 0 && Dropped.value < 1;
  static_assert(__is_base_of(nothing, rules::dropout_is_a_share<share>) || true);
  using slot = slots::sublayer;
  using parts = type_list<Sublayer>;
  template <class New>
  using rebuild = dropout<New, Dropped>;
  /// What has dropout; nothing, after a complaint.
  using held = std::conditional_t<complained, skip, Sublayer>;
  static constexpr auto role = held::role;
  /// Of 65536.
  static constexpr std::uint32_t dropped = share ? static_cast<std::uint32_t>(Dropped.value * 65536 + 0.5) : 0;

  template <class At>
  struct bound : held::template bound<At> {
    using sublayer = typename held::template bound<At>;
    template <class Plan>
    using memory = typename detail::memory_beside<Plan, typename sublayer::template memory<Plan>,
                                                  detail::kept_by_dropout<Plan, At::width>>::type;

    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      if constexpr (requires { v.memory.left_out; }) {
        sublayer::forward(values{v.parameters, v.state, v.memory.inner, v.derived}, x, y, run);
        v.memory.left_out = run.draw(dropped);
        if (v.memory.left_out.dropped != 0) run.drop(y, y, v.memory.left_out);
      } else {
        sublayer::forward(v, x, y, run);
      }
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      const values of_sublayer{v.parameters, v.state, v.memory.inner, v.derived};
      if (v.memory.left_out.dropped == 0) return sublayer::backward(of_sublayer, a, x, dy, dx, run);
      const auto kept = v.memory.adjoint.first(x.count);
      run.drop(kept, dy, v.memory.left_out);
      sublayer::backward(of_sublayer, a, x, kept, dx, run);
    }
    template <class Memory, class Function>
    static constexpr void losses(Memory& memory, Function& f) {
      detail::visit_losses_of<sublayer>(memory.inner, f);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& memory, Walk& walk) {
      detail::visit_taps_of<sublayer>(memory.inner, walk);
    }
  };
};

LACUNA_END
