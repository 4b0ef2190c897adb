#pragma once
/// A mixture of experts: a router sends each token to a few of many feed-forwards.

#include <lacuna/core/flat_tuple.hpp>
#include <lacuna/ffn/auxiliary_loss.hpp>
#include <lacuna/ffn/dispatch_plan.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/ffn/router.hpp>
#include <lacuna/op/choose_experts.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct mixture;
}

/// The slots of a mixture and their defaults.
using mixture_fields =
    fields<field<slots::experts, must>, field<slots::experts_per_token, must>, field<slots::hidden, must>,
           field<slots::activation, must>, field<slots::gates, raw_gates>, field<slots::capacity, unlimited_capacity>,
           field<slots::format, dense>, field<slots::bias, no_bias>, many<slots::auxiliary_loss>>;

namespace detail {

/// The losses of a recipe, in order, and room for their values.
template <class List>
struct loss_list;
template <class... Losses>
struct loss_list<type_list<Losses...>> {
  static constexpr extent_t count = sizeof...(Losses);
  template <bool Kept>
  using values = std::conditional_t<Kept && count != 0, array<double, count>, nothing>;

  template <class View, class Values>
  LACUNA_HD static constexpr void evaluate(const View& of, Values& to) {
    extent_t at = 0;
    ((to[at++] = Losses::value(of)), ...);
  }
  template <class View, class Rows>
  LACUNA_HD static constexpr void add_gradients([[maybe_unused]] const View& of, [[maybe_unused]] double scale,
                                                [[maybe_unused]] Rows dscore) {
    (Losses::add_gradient(of, scale * static_cast<double>(Losses::weight), dscore), ...);
  }
  template <class Values, class Function>
  static constexpr void visit(const Values& of, Function& f) {
    extent_t at = 0;
    (f(Losses::name.c_str(), static_cast<double>(Losses::weight), of[at++]), ...);
  }
};

}  // namespace detail

/// y(t) = sum over the k chosen experts e of gate(t, e) ffn_e(x(t)): `(tokens, width) -> (tokens, width)`.
/// `mixture<experts<8>, experts_per_token<2>, hidden<64>, gated<silu>, renormalised_gates, balance_loss<>>`.
///
/// p = softmax(W_router x); the k experts of largest score are chosen, ties to the lower index; the choice is constant
/// for gradients, which reach the router through the gates. Experts are the feed-forward of the same hidden width,
/// activation, format and bias; the router is dense and has no bias. A training forward evaluates the auxiliary losses,
/// backward adds their gradients: see `model::visit_losses`, `auxiliary_loss`.
///
/// tokens (experts width + k * the cost of a feed-forward) multiply-adds; no more with a limited capacity. Paths:
/// `router.weight`, `experts.<n>.up.weight`, ... Source: Shazeer et al. (2017), "Outrageously large neural networks",
/// arXiv 1701.06538, eq. (1), without noise; k = 1: Fedus, Zoph and Shazeer (2021), arXiv 2101.03961.
template <class... Policies>
struct mixture : recipe<recipe_name::mixture, mixture_fields, Policies...> {
  using slot = slots::sublayer;
  using base = recipe<recipe_name::mixture, mixture_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = mixture<New...>;
  static constexpr auto role = fixed_string("mixture");
  static constexpr bool complained =
      detail::inspection<mixture_fields, Policies...>::find().what != detail::problem::none;

  template <class At>
  struct bound {
    using out = At;
    static constexpr extent_t asked_experts = base::template get<slots::experts>::value;
    static constexpr extent_t asked_chosen = base::template get<slots::experts_per_token>::value;
    static constexpr extent_t asked_hidden = base::template get<slots::hidden>::value;
    using gates = typename base::template get<slots::gates>;
    using capacity = typename base::template get<slots::capacity>;
    static constexpr bool sized = asked_experts > 0 && asked_chosen > 0;
    static constexpr bool enough = !sized || asked_chosen <= asked_experts;
    static constexpr bool teaches = !sized || !gates::renormalised || asked_chosen != 1 || asked_experts == 1;
    static_assert(__is_base_of(nothing, rules::mixture_sizes_are_not_zero<sized>) || true);
    static_assert(__is_base_of(nothing, rules::there_are_experts_enough<complained || enough>) || true);
    static_assert(__is_base_of(nothing, rules::router_has_a_gradient<complained || teaches>) || true);
    static_assert(__is_base_of(nothing, rules::capacity_is_positive<capacity::fine>) || true);
    static_assert(__is_base_of(nothing, rules::hidden_is_not_zero<asked_hidden>) || true);
    static constexpr extent_t experts = sized ? asked_experts : 1;
    static constexpr extent_t chosen = sized && enough ? asked_chosen : 1;
    static constexpr extent_t hidden = asked_hidden == 0 ? 1 : asked_hidden;

    using expert = typename detail::ffn_form<At, hidden, typename base::template get<slots::activation>,
                                             typename base::template get<slots::format>,
                                             typename base::template get<slots::bias>>::type;
    using router_map = projection<dense, no_bias, experts, At::width>;
    using loss_list = detail::loss_list<typename base::template list<slots::auxiliary_loss>>;
    /// A limited capacity and the losses count the tokens of a whole pass.
    static constexpr bool tells_sequences_apart = same<capacity, unlimited_capacity> && loss_list::count == 0;

    template <class Role>
    struct parameters {
      typename router_map::template parameters<Role> router;
      array<typename expert::template parameters<Role>, experts> each;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("router", s.router...);
        for (extent_t e = 0; e < experts; ++e) v("experts", e, s.each[e]...);
      }
    };
    template <class Role>
    struct state : no_tensors<mixture> {};
    template <class Plan>
    struct memory {
      using dispatched = dispatch_plan<Plan::tokens, experts, chosen>;
      static constexpr extent_t block_rows = dispatched::block_rows;
      using block_plan = std::conditional_t<Plan::keeps, keep<typename Plan::value, block_rows>,
                                            reuse<typename Plan::value, block_rows>>;
      struct block {
        typename expert::template memory<block_plan> inner;
        typename block_plan::template buffer<At::width> output;
      };
      dispatched plan;
      typename Plan::template buffer<experts> probability;  ///< scores at first; as an adjoint: of the scores
      typename Plan::template buffer<chosen> gate;
      typename Plan::template buffer<1> log_sum;
      typename block_plan::template buffer<At::width> input;  ///< of one block
      array<block, Plan::keeps ? dispatched::most_blocks : 1> blocks;
      LACUNA_NO_ADDRESS typename loss_list::template values<Plan::keeps> losses;
      LACUNA_NO_ADDRESS typename router_map::template memory<Plan> router_map_memory;

      LACUNA_HD constexpr block& at(extent_t number) { return blocks[Plan::keeps ? number : 0]; }
      LACUNA_HD constexpr auto choices(extent_t tokens) { return rows<std::uint32_t, chosen>(plan.chosen, tokens); }
      LACUNA_HD constexpr auto routing(extent_t tokens) const {
        return routing_view<typename Plan::value, experts, chosen>{probability.first(tokens), log_sum.first(tokens),
                                                                   plan.asked};
      }
    };
    template <class Target>
    struct derived {
      typename router_map::template derived<Target> router;
      array<typename expert::template derived<Target>, experts> each;
    };
    template <class Plan>
    using shares = type_list<>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      router_map::refresh(parameters.router, derived.router);
      for (extent_t e = 0; e < experts; ++e) expert::refresh(parameters.each[e], derived.each[e]);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      for (extent_t e = 0; e < experts; ++e) expert::initialise(parameters.each[e]);
    }

    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      auto& m = v.memory;
      const auto score = m.probability.first(x.count);
      const auto gate = m.gate.first(x.count);
      router_map::forward(v.parameters.router, m.router_map_memory, v.derived.router, x, score, run);
      op::choose_experts(score, gate, m.log_sum.first(x.count), m.choices(x.count), gates::renormalised, run.backend);
      m.plan.build(x.count, capacity::rows(x.count, chosen, experts));
      y.fill(0);
      m.plan.each_block([&](extent_t e, extent_t number, const assignments<chosen>& of) {
        auto& block = m.at(number);
        const auto input = m.input.first(of.count), output = block.output.first(of.count);
        op::dispatch(input, x, of, run.backend);
        expert::forward(values{v.parameters.each[e], v.state, block.inner, v.derived.each[e]}, input, output, run);
        op::combine(y, output, gate, of, run.backend);
      });
      if constexpr (!same<std::remove_cvref_t<decltype(m.losses)>, nothing>)
        loss_list::evaluate(m.routing(x.count), m.losses);
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      auto& m = v.memory;
      auto& d = a.memory;
      const auto gate = m.gate.first(x.count), dgate = d.gate.first(x.count);
      const auto dscore = d.probability.first(x.count);
      dgate.fill(0), dscore.fill(0);
      m.plan.each_block([&](extent_t e, extent_t number, const assignments<chosen>& of) {
        auto& block = m.at(number);
        auto& dblock = d.at(number);
        const auto input = m.input.first(of.count), dinput = d.input.first(of.count);
        const auto output = block.output.first(of.count), doutput = dblock.output.first(of.count);
        op::dispatch(input, x, of, run.backend);
        op::combine_backward(doutput, dgate, dy, output, gate, of, run.backend);
        dinput.fill(0);
        expert::backward(values{v.parameters.each[e], v.state, block.inner, v.derived.each[e]},
                         adjoints{a.gradients.each[e], a.state, dblock.inner}, input, doutput, dinput, run);
        op::dispatch_backward(dx, dinput, of, run.backend);
      });
      op::choose_experts_backward(dscore, m.probability.first(x.count), gate, dgate, m.choices(x.count),
                                  gates::renormalised, run.backend);
      loss_list::add_gradients(m.routing(x.count), run.loss_scale, dscore);
      router_map::backward(v.parameters.router, a.gradients.router, m.router_map_memory, d.router_map_memory,
                           v.derived.router, x, dscore, dx, run);
    }
    /// Calls `f(name, weight, value)` for the losses of the last training forward.
    template <class Memory, class Function>
    static constexpr void losses(Memory& memory, Function& f) {
      if constexpr (!same<std::remove_cvref_t<decltype(memory.losses)>, nothing>) loss_list::visit(memory.losses, f);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& memory, Walk& walk) {
      memory.plan.each_block([&](extent_t e, extent_t number, const assignments<chosen>& of) {
        walk.inside("experts", e, of.count, [&] { detail::visit_taps_of<expert>(memory.at(number).inner, walk); });
      });
    }
    /// With a limited capacity: at most.
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) {
      const extent_t most = experts * capacity::rows(tokens, chosen, experts);
      return router_map::multiply_adds(tokens) + expert::multiply_adds(tokens * chosen < most ? tokens * chosen : most);
    }
    template <class Function>
    static constexpr void facts(Function&& f) {
      f("experts", experts);
      f("experts per token", chosen);
      f("hidden", hidden);
    }
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

LACUNA_END
