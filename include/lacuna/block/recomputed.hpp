#pragma once
/// A block of which a model that learns keeps nothing: its backward runs its forward again.

#include <lacuna/block/repeat.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

namespace slots {
struct auxiliary_loss;
}

namespace rules {
template <class Block>
struct recomputed_holds_a_block {
  static_assert(
      same<slot_of<Block>, slots::block>,
      "lacuna::recomputed: only a block is recomputed (wrap sublayers in pre_norm<...>, and several blocks in "
      "repeat<...> or stack<...>)");
};
template <bool Fine>
struct taps_are_not_recomputed {
  static_assert(Fine,
                "lacuna::recomputed: a tap inside keeps rows of one layer only, as all its layers have one room (tap "
                "the block from outside, tapped<recomputed<...>>, or do not recompute it)");
};
template <bool Fine>
struct losses_are_not_recomputed {
  static_assert(Fine,
                "lacuna::recomputed: an auxiliary loss inside would be known of one layer only, as all its layers have "
                "one room (leave the loss out, or do not recompute this block)");
};
}  // namespace rules

namespace detail {

/// What is read between forward and backward: a policy that brings taps or losses says `has_taps`, `has_losses`.
template <class Type>
inline constexpr bool brings_taps = requires { requires Type::has_taps; };
template <class Type>
inline constexpr bool brings_losses = requires { requires Type::has_losses; };
template <class Type>
  requires same<slot_of<Type>, slots::auxiliary_loss>
inline constexpr bool brings_losses<Type> = true;

template <class Parts>
struct read_among {};
/// The same of a policy with all its parts.
template <class Type>
struct read_inside {
  static constexpr bool taps = brings_taps<Type>, losses = brings_losses<Type>;
};
template <class Type>
  requires requires { typename Type::parts; }
struct read_inside<Type> {
  using among = read_among<typename Type::parts>;
  static constexpr bool taps = brings_taps<Type> || among::taps, losses = brings_losses<Type> || among::losses;
};
template <class... Parts>
struct read_among<type_list<Parts...>> {
  static constexpr bool taps = (false || ... || read_inside<Parts>::taps);
  static constexpr bool losses = (false || ... || read_inside<Parts>::losses);
};

/// Where all recomputed blocks of one type run, one after the other: what such a block keeps, and what it puts out the
/// second time.
template <class Bound, class Plan, extent_t Width>
struct recomputation_room {
  static constexpr bool is_room = true;
  typename Bound::template memory<Plan> memory;
  typename Plan::template buffer<Width> output;
};
/// What stays of a recomputed block until its backward: where its draws began, so that they can be drawn again.
template <class Room>
struct kept_by_recomputed {
  using room = Room;
  random_draws draws;
  bool draws_something = false;
};

/// A recomputed block's memory and what layers share of it; with the plan that reuses, those of the block.
template <class Bound, class Plan, extent_t Width, bool Keeps = Plan::keeps>
struct recomputation {
  using memory = typename Bound::template memory<Plan>;
  using shares = typename Bound::template shares<Plan>;
};
template <class Bound, class Plan, extent_t Width>
struct recomputation<Bound, Plan, Width, true> {
  using room = recomputation_room<Bound, Plan, Width>;
  using memory = kept_by_recomputed<room>;
  using shares = unique<join<typename Bound::template shares<Plan>, type_list<room>>>;
};

}  // namespace detail

/// `repeat<12, recomputed<pre_norm<...>>>`: the block, `(tokens, width) -> (tokens, width)`, of which a model that
/// learns keeps nothing but its input, which is the row buffer between the layers. Backward runs its forward again,
/// into one room that all recomputed blocks of the same type have together, and then its backward: loss and gradients
/// have the bits that they have without it. L such layers of m kept bytes each take m, one row buffer and 32 L bytes in
/// the place of L m. The price is one forward of the block for each backward; `multiply_adds` is the cost of one
/// forward, as of any block.
///
/// What is recomputed may be several layers: `repeat<4, recomputed<repeat<3, pre_norm<...>>>>` keeps 4 inputs and has a
/// room of 3 layers. L layers in segments of s take s (m + b) + (L / s - 1) b with b the bytes of a row buffer, least
/// near s = sqrt(L b / (m + b)). Inside `shared` each application is recomputed.
///
/// Parameters, their paths, state, cost and numbers of layers are the block's, and so is everything of a model that
/// only runs. Draws of `dropout` are drawn again. States are written a second time, with the same values, since a
/// stream that is learnt begins at position 0, where no component reads what its state held before. What is read
/// between forward and backward would be that of one layer only: taps inside, and auxiliary losses, are refused
/// (`tapped<recomputed<...>>` is fine). A component of your own with `losses` or `taps` says `has_losses`, `has_taps`.
///
/// Source: Chen, Xu, Zhang and Guestrin (2016), "Training deep nets with sublinear memory cost", arXiv 1604.06174,
/// section 4.
template <class Block>
struct recomputed {
  static_assert(__is_base_of(nothing, rules::recomputed_holds_a_block<Block>) || true);
  static constexpr bool complained = !same<slot_of<Block>, slots::block>;
  using read = detail::read_inside<Block>;
  static_assert(__is_base_of(nothing, rules::taps_are_not_recomputed<!read::taps>) || true);
  static_assert(__is_base_of(nothing, rules::losses_are_not_recomputed<!read::losses>) || true);
  using slot = slots::block;
  using parts = type_list<Block>;
  template <class New>
  using rebuild = recomputed<New>;
  template <class At>
  using inner_place = At;
  using closing_norm = typename detail::closing_norm_of<Block>::type;
  static constexpr bool norms_apart = detail::norms_apart<Block>;

  template <class At>
  struct bound : detail::bound_block<Block, At> {
    using block = detail::bound_block<Block, At>;
    template <class Plan>
    using memory = typename detail::recomputation<block, Plan, At::width>::memory;
    template <class Plan>
    using shares = typename detail::recomputation<block, Plan, At::width>::shares;

    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      if constexpr (requires { v.memory.draws_something; }) {
        v.memory.draws_something = run.draws != nullptr;
        if (run.draws != nullptr) v.memory.draws = *run.draws;
        block::forward(values{v.parameters, v.state, room_of(v.memory, run).memory, v.derived}, x, y, run);
      } else {
        block::forward(v, x, y, run);
      }
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      auto& room = room_of(v.memory, run);
      const values of_block{v.parameters, v.state, room.memory, v.derived};
      random_draws draws = v.memory.draws;
      Run again = run;
      again.draws = v.memory.draws_something ? &draws : nullptr;
      block::forward(of_block, x, room.output.first(x.count), again);
      block::backward(of_block, a, x, dy, dx, run);
    }
    /// None: see above.
    template <class Memory, class Function>
    static constexpr void losses(Memory&, Function&) {}
    template <class Memory, class Walk>
    static constexpr void taps(Memory&, Walk&) {}

   private:
    template <class Memory, class Run>
    LACUNA_HD static constexpr typename Memory::room& room_of(const Memory&, const Run& run) {
      return run.shared.template room<typename Memory::room>();
    }
  };
};

LACUNA_END
