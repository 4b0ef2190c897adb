#pragma once
/// The feed-forward that is one map made of tokens.

#include <lacuna/core/place.hpp>
#include <lacuna/format/parameter_tokens.hpp>
#include <lacuna/op/run.hpp>

LACUNA_BEGIN

/// y = gelu(tau S / |S|) V with S = x K^T over `Count` parameter tokens, 4 width of them where `Count` is 0: keys are
/// the first layer of a feed-forward, values the second, and between them every row is divided by its length.
/// `(tokens, width) -> (tokens, width)`, 2 tokens count width multiply-adds. Paths: `key` `(count, width)`, `value`
/// `(width, count)`. `Tau` and growth: `parameter_tokens`.
/// Source: Wang et al. (2024), TokenFormer, arXiv 2410.23168, section 3.2: one Pattention of 4 width tokens.
template <extent_t Count = 0, tau Tau = tau{}>
struct pattention {
  using slot = slots::sublayer;
  static constexpr auto name = fixed_string("pattention<") + decimal<Count>() + ">";
  static constexpr auto role = fixed_string("pattention");

  template <class At>
  struct bound {
    using out = At;
    static constexpr extent_t count = Count == 0 ? 4 * At::width : Count;
    using map_type = typename parameter_tokens<count, Tau>::template bound<At::width, At::width>;

    template <class Role>
    using parameters = typename map_type::template parameters<Role>;
    template <class Role>
    struct state : no_tensors<pattention> {};
    template <class Plan>
    using memory = typename map_type::template memory<Plan>;
    template <class Target>
    using derived = typename map_type::template derived<Target>;
    template <class Plan>
    using shares = type_list<>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      map_type::refresh(parameters, derived);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                            const Run& run) {
      map_type::forward(v.parameters, v.memory, v.derived, x, y, run);
    }
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                             rows<Value, At::width> dx, const Run& run) {
      map_type::backward(v.parameters, a.gradients, v.memory, a.memory, v.derived, x, dy, dx, run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) { return map_type::multiply_adds(tokens); }
    template <class Function>
    static constexpr void facts(Function&& f) {
      f("parameter_tokens", count);
    }
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

LACUNA_END
