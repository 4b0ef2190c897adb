#pragma once
/// A block whose output losses read and send gradients into.

#include <lacuna/block/repeat.hpp>
#include <lacuna/tensor/taps.hpp>

LACUNA_BEGIN

namespace rules {
template <class Block>
struct tapped_holds_a_block {
  static_assert(same<slot_of<Block>, slots::block>,
                "lacuna::tapped: only a block can be tapped (wrap sublayers in pre_norm<...>, and tap what activations "
                "put out with tapped_activation<...>)");
};
}  // namespace rules

namespace detail {

/// What a tapped block keeps.
template <class Plan, extent_t Width>
struct kept_by_tap {
  tap_rows<Plan, Width> tap;
  typename Plan::template buffer<Width> total;  ///< the adjoint from above and the tap's
};

}  // namespace detail

/// `tapped<pre_norm<...>>`: the block, whose output `(tokens, width)` losses can read in a model that learns. Any block
/// of a body may be tapped, also inside `repeat`, `stack` and `shared`: `repeat<5, tapped<pre_norm<...>>>` are five
/// taps.
///
/// `model::visit_taps(f)` calls `f("blocks.2", rows, adjoint)` for each. After `try_forward_to_learn` the rows are
/// those that the block put out, and the adjoint is 0; what losses add to it, `try_backward` adds to the adjoint that
/// comes from above. It is the caller's own, so that `loss_scale` does not concern it.
///
/// Parameters, their paths, state, cost and numbers of layers are the block's. A model that learns has 3 * tokens *
/// width values more and copies the rows once; one that does not is in all figures and bytes the one without the tap,
/// and has no rows to be read: a forward that nobody learns from overwrites them. The rows of the embedding are those
/// of a tapped block of nothing but `skip`.
template <class Block>
struct tapped {
  static_assert(__is_base_of(nothing, rules::tapped_holds_a_block<Block>) || true);
  static constexpr bool complained = !same<slot_of<Block>, slots::block>;
  using slot = slots::block;
  using parts = type_list<Block>;
  template <class New>
  using rebuild = tapped<New>;
  template <class At>
  using inner_place = At;
  using closing_norm = typename detail::closing_norm_of<Block>::type;
  static constexpr bool norms_apart = detail::norms_apart<Block>;
  static constexpr bool has_taps = true;

  template <class At>
  struct bound : detail::bound_block<Block, At> {
    using block = detail::bound_block<Block, At>;
    template <class Plan>
    using memory = typename detail::memory_beside<Plan, typename block::template memory<Plan>,
                                                  detail::kept_by_tap<Plan, At::width>>::type;

    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      if constexpr (requires { v.memory.tap; }) {
        block::forward(values{v.parameters, v.state, v.memory.inner, v.derived}, x, y, run);
        v.memory.tap.keep_rows(y, run);
      } else {
        block::forward(v, x, y, run);
      }
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      const auto total = v.memory.total.first(x.count), of_tap = v.memory.tap.adjoint.first(x.count);
      run.evaluate(total, dy + of_tap);
      block::backward(values{v.parameters, v.state, v.memory.inner, v.derived}, a, x, total, dx, run);
    }
    template <class Memory, class Function>
    static constexpr void losses(Memory& memory, Function& f) {
      detail::visit_losses_of<block>(memory.inner, f);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& memory, Walk& walk) {
      detail::visit_taps_of<block>(memory.inner, walk);
      walk.inside("blocks", walk.layer + block::layers - 1, walk.tokens, [&] { walk(memory.tap); });
    }
  };
};

LACUNA_END
