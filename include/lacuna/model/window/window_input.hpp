#pragma once
/// What a trunk reads: a window of several series.

#include <lacuna/model/window/instance_norm.hpp>
#include <lacuna/model/window/inverted_tokens.hpp>
#include <lacuna/op/transpose.hpp>

LACUNA_BEGIN

/// A window `(lookback, series)` to rows `(tokens, width)`: each series is normalised and becomes tokens. `Parts` names
/// the choices: variates, covariates, lookback, horizon, width, input_norm, series_tokens. See model/token_input.hpp.
template <class Parts>
struct window_input {
  static constexpr extent_t vocabulary = 0;  ///< what it reads are no tokens
  static constexpr extent_t variates = Parts::variates, series = Parts::variates + Parts::covariates;
  static constexpr extent_t lookback = Parts::lookback, width = Parts::width;
  using norm = typename Parts::input_norm::template bound<variates, lookback, Parts::horizon>;
  using maker = typename Parts::series_tokens::template bound<series, lookback, width>;

  template <class Value>
  LACUNA_HD static constexpr extent_t tokens(rows<const Value, series>) noexcept {
    return maker::tokens;
  }

  template <class Role>
  using parameters = typename maker::template parameters<Role>;
  template <class Plan>
  struct memory {
    tensor<typename Plan::value, series, lookback> series_part;  ///< normalised, a row for each
    LACUNA_NO_ADDRESS typename norm::template memory<Plan> norm_part;
    LACUNA_NO_ADDRESS typename maker::template memory<Plan> maker_part;
  };
  template <class Target>
  using derived = typename maker::template derived<Target>;

  template <class Parameters, class Derived>
  LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
    maker::refresh(parameters, derived);
  }
  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<const Value, series> given, rows<Value, width> embedded,
                                          const Run& run) {
    const auto x = v.memory.series_part.first(series);
    op::transpose(x, given, run.backend);
    norm::normalise(v.memory.norm_part, x.slice(0, variates), run);
    maker::forward(v.parameters, v.memory.maker_part, v.derived, x, embedded, run);
  }
  /// Leaves the adjoint of the normalised series in `adjoints.memory`.
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<const Value, series>,
                                           rows<Value, width> dembedded, const Run& run) {
    const auto dx = a.memory.series_part.first(series);
    dx.fill(0);
    maker::backward(v.parameters, a.gradients, v.memory.maker_part, a.memory.maker_part, v.derived,
                    v.memory.series_part.first(series), dembedded, dx, run);
  }
  static constexpr std::uint64_t multiply_adds(extent_t tokens) { return maker::multiply_adds(tokens); }
  /// Calls `f(name, value)` for every size of parameters: they do not depend on how many series there are.
  template <class Function>
  static constexpr void facts(Function&& f) {
    f("lookback", lookback);
    f("horizon", Parts::horizon);
    f("width", width);
  }
};

LACUNA_END
