#pragma once
/// A sublayer with an adapter behind it: a few weights that learn where the others stay.

#include <lacuna/block/skip.hpp>
#include <lacuna/core/place.hpp>
#include <lacuna/op/run.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct adapted_holds_two_sublayers {
  static_assert(Fine,
                "lacuna::adapted: it holds a sublayer and an adapter (write adapted<attention<...>, ffn<hidden<8>, "
                "gelu, bias>> inside a block)");
};
template <bool Fine>
struct sublayer_has_one_adapter {
  static_assert(Fine,
                "lacuna::adapted: the sublayer has an adapter already (wrap the adapter in place of the sublayer: "
                "adapted<attention<...>, adapted<ffn<...>, ffn<...>>>)");
};
template <bool Fine>
struct adapter_has_no_state {
  static_assert(Fine, "lacuna::adapted: the adapter keeps tokens from step to step (write an ffn<...> as adapter)");
};
}  // namespace rules

namespace detail {

/// Whether a struct of parameters has an adapter's beside its own.
template <class Parameters>
inline constexpr bool has_an_adapter = requires(Parameters& of) { of.adapter_part; };

}  // namespace detail

/// `adapted<attention<...>, ffn<hidden<8>, gelu, bias>>`: y = s + adapter(s) with s the sublayer's output, `(tokens,
/// width) -> (tokens, width)`, before the block adds it to its stream. Paths of the sublayer stay as they were; the
/// adapter's begin with `adapter`. `try_learn_only(teacher, with_part{"adapter"})` lets nothing else learn. With the
/// adapter's last weights (`down`) at 0 it is the sublayer alone, bit for bit; `draw_weights` draws them small.
///
/// Cost: both sublayers', and tokens * width values of memory. Source: Houlsby et al. (2019), arXiv 1902.00751, figure
/// 2, with an adapter behind each sublayer: wrap both.
template <class Sublayer, class Adapter>
struct adapted {
  static constexpr bool fine = same<slot_of<Sublayer>, slots::sublayer> && same<slot_of<Adapter>, slots::sublayer>;
  static_assert(__is_base_of(nothing, rules::adapted_holds_two_sublayers<fine>) || true);
  static constexpr bool complained = !fine;
  using slot = slots::sublayer;
  using parts = type_list<Sublayer, Adapter>;
  template <class NewSublayer, class NewAdapter>
  using rebuild = adapted<NewSublayer, NewAdapter>;
  using held = std::conditional_t<fine, Sublayer, skip>;
  using held_adapter = std::conditional_t<fine, Adapter, skip>;
  static constexpr auto role = held::role;

  template <class At>
  struct bound : held::template bound<At> {
    using sublayer = typename held::template bound<At>;
    using adapter = typename held_adapter::template bound<At>;
    static constexpr bool first_adapter =
        !detail::has_an_adapter<typename sublayer::template parameters<shapes<float>>>;
    static_assert(__is_base_of(nothing, rules::sublayer_has_one_adapter<first_adapter>) || true);
    static constexpr bool stateless = count_bytes<typename adapter::template state<shapes<float>>>() == 0;
    static_assert(__is_base_of(nothing, rules::adapter_has_no_state<stateless>) || true);

    template <class Role>
    struct parameters : sublayer::template parameters<Role> {
      typename adapter::template parameters<Role> adapter_part;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        sublayer::template parameters<Role>::visit(v, s...);
        v("adapter", s.adapter_part...);
      }
    };
    template <class Plan>
    struct memory {
      LACUNA_NO_ADDRESS typename sublayer::template memory<Plan> inner;
      LACUNA_NO_ADDRESS typename adapter::template memory<Plan> adapter_part;
      typename Plan::template buffer<At::width> between;
    };
    template <class Target>
    struct derived {
      LACUNA_NO_ADDRESS typename sublayer::template derived<Target> inner;
      LACUNA_NO_ADDRESS typename adapter::template derived<Target> adapter_part;
    };

    template <class Plan>
    using shares = unique<join<typename sublayer::template shares<Plan>, typename adapter::template shares<Plan>>>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& of, Derived& into) {
      sublayer::refresh(of, into.inner);
      adapter::refresh(of.adapter_part, into.adapter_part);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& of) {
      sublayer::initialise(of);
      adapter::initialise(of.adapter_part);
    }
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      const auto between = v.memory.between.first(x.count);
      sublayer::forward(values{v.parameters, v.state, v.memory.inner, v.derived.inner}, x, between, run);
      adapter::forward(of_adapter(v), between, y, run);
      run.evaluate(y, y + between);
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      const auto between = v.memory.between.first(x.count), dbetween = a.memory.between.first(x.count);
      dbetween.fill(0);
      adapter::backward(of_adapter(v), adjoints{a.gradients.adapter_part, a.state, a.memory.adapter_part}, between, dy,
                        dbetween, run);
      run.evaluate(dbetween, dbetween + dy);
      sublayer::backward(values{v.parameters, v.state, v.memory.inner, v.derived.inner},
                         adjoints{a.gradients, a.state, a.memory.inner}, x, dbetween, dx, run);
    }
    template <class Memory, class Function>
    static constexpr void losses(Memory& of, Function& f) {
      detail::visit_losses_of<sublayer>(of.inner, f);
      detail::visit_losses_of<adapter>(of.adapter_part, f);
    }
    template <class Memory, class Walk>
    static constexpr void taps(Memory& of, Walk& walk) {
      detail::visit_taps_of<sublayer>(of.inner, walk);
      detail::visit_taps_of<adapter>(of.adapter_part, walk);
    }
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
      return sublayer::multiply_adds(first, tokens) + adapter::multiply_adds(first, tokens);
    }

    template <class Function>
    static constexpr void facts(Function&& f) {
      sublayer::facts(f);
      adapter::facts([&](const char*, extent_t value) { f("adapter", value); });
    }
    template <class Function>
    static constexpr void schedules(Function&& f) {
      sublayer::schedules(f);
      adapter::schedules(f);
    }

   private:
    template <class Values>
    LACUNA_HD static constexpr auto of_adapter(Values v) {
      return values{v.parameters.adapter_part, v.state, v.memory.adapter_part, v.derived.adapter_part};
    }
  };
};

LACUNA_END
