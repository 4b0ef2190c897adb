#pragma once
/// The regressor: series that become tokens, blocks, final norm, and a head that forecasts each series.

#include <lacuna/model/head.hpp>
#include <lacuna/model/headed_trunk.hpp>
#include <lacuna/model/window/window_input.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct regressor;
}

/// The slots of a regressor and their defaults.
using regressor_fields =
    fields<field<slots::variates, must>, field<slots::covariates, covariates<0>>, field<slots::lookback, must>,
           field<slots::horizon, must>, field<slots::width, must>, field<slots::input_norm, instance_norm<>>,
           field<slots::series_tokens, inverted_tokens<>>, field<slots::norm, closing_norm_of_body>,
           field<slots::embedding_position, no_embedding_position>, field<slots::embedding_norm, no_embedding_norm>,
           field<slots::head, linear_head<bias>>, many<slots::block>>;

namespace rules {
template <extent_t Count>
struct regressor_has_a_body {
  static_assert(Count > 0,
                "lacuna::regressor: the body is missing (add a block, such as lacuna::repeat<N, post_norm<...>>)");
};
template <bool Fine>
struct regressor_sizes_are_not_zero {
  static_assert(Fine, "lacuna::regressor: a size is 0 (give variates, lookback, horizon and width at least 1)");
};
template <bool Fine>
struct regressor_has_a_token_for_each_series {
  static_assert(
      Fine,
      "lacuna::series_tokens: a regressor forecasts each series from the token of its own (make one token for "
      "each series, in order)");
};
template <bool Fine>
struct regressor_has_a_head_of_its_own {
  static_assert(
      Fine, "lacuna::regressor: a tied head reads a table of tokens, which a regressor has not (use linear_head<>)");
};
}  // namespace rules

namespace detail {

/// The sizes that a regressor asks for; 1 each after a complaint.
template <class Recipe>
struct asked_window {
  template <class Slot>
  static constexpr extent_t asked = Recipe::template get<Slot>::value;
  static constexpr bool sized =
      asked<slots::variates> > 0 && asked<slots::lookback> > 0 && asked<slots::horizon> > 0 && asked<slots::width> > 0;
  static constexpr extent_t variates = sized ? asked<slots::variates> : 1;
  static constexpr extent_t covariates = sized ? asked<slots::covariates> : 0;
  static constexpr extent_t lookback = sized ? asked<slots::lookback> : 1;
  static constexpr extent_t horizon = sized ? asked<slots::horizon> : 1;
  static constexpr extent_t width = sized ? asked<slots::width> : 1;
};

/// Whether a head reads the table of tokens.
template <class Head>
inline constexpr bool is_tied = requires { requires Head::is_tied; };

}  // namespace detail

/// `regressor<variates<7>, lookback<96>, horizon<96>, width<512>, repeat<2, post_norm<...>>, layer_norm<>>`:
/// a window `(lookback, variates + covariates)`, a row for each step, to a forecast `(horizon, variates)` of the steps
/// behind it. See `model::try_predict`.
///
/// Tokens are what `inverted_tokens` or another policy of its slot makes of the series; `instance_norm` brings the
/// series of a window to one scale, and forecasts back. Covariates are tokens beside the variates: they are taken as
/// they are and not forecast. Paths: `embedding.weight`, `embedding.bias`, `embedding_norm.gain`, `blocks.<n>...`,
/// `final_norm.gain`, `head.weight`, `head.bias`. None has the size of variates or covariates. Source: Liu et al.
/// (2024), iTransformer, arXiv 2310.06625, section 3.1.
template <class... Policies>
struct regressor : recipe<recipe_name::regressor, regressor_fields, Policies...> {
  using base = recipe<recipe_name::regressor, regressor_fields, Policies...>;
  using parts = type_list<Policies...>;
  template <class... New>
  using rebuild = regressor<New...>;
  static constexpr bool complained =
      detail::inspection<regressor_fields, Policies...>::find().what != detail::problem::none;

  using sizes = detail::asked_window<base>;
  static_assert(__is_base_of(nothing, rules::regressor_sizes_are_not_zero<sizes::sized>) || true);

  using asked_blocks = typename base::template list<slots::block>;
  static_assert(__is_base_of(nothing, rules::regressor_has_a_body<complained ? 1 : asked_blocks::size>) || true);
  using asked_head = typename base::template get<slots::head>;
  static constexpr bool untied = complained || !detail::is_tied<asked_head>;
  static_assert(__is_base_of(nothing, rules::regressor_has_a_head_of_its_own<untied>) || true);

  /// The choices of which the trunk is made.
  struct trunk_parts : sizes {
    using asked_tokens = typename base::template get<slots::series_tokens>;
    static constexpr bool one_each =
        asked_tokens::template bound<sizes::variates + sizes::covariates, sizes::lookback, sizes::width>::tokens ==
        sizes::variates + sizes::covariates;
    static_assert(__is_base_of(nothing, rules::regressor_has_a_token_for_each_series<one_each>) || true);
    using series_tokens = std::conditional_t<one_each, asked_tokens, inverted_tokens<>>;
    using input_norm = typename base::template get<slots::input_norm>;
    using input = window_input<trunk_parts>;
    static constexpr extent_t context =
        series_tokens::template bound<sizes::variates + sizes::covariates, sizes::lookback, sizes::width>::tokens;
    using blocks = std::conditional_t<complained || !sizes::sized, type_list<>, asked_blocks>;
    using norm = typename base::template get<slots::norm>;
    using embedding_position = typename base::template get<slots::embedding_position>;
    using embedding_norm = typename base::template get<slots::embedding_norm>;
    using token_types = no_token_types;
  };

  struct bound : trunk<trunk_parts> {
    using trunk_type = trunk<trunk_parts>;
    using head = typename std::conditional_t<regressor::untied, asked_head,
                                             linear_head<>>::template bound<sizes::horizon, sizes::width>;
    using both = detail::headed_trunk<trunk_type, head>;
    using input = typename trunk_type::input;
    static constexpr bool is_regressor = true;
    static constexpr extent_t variates = sizes::variates, series = input::series;
    static constexpr extent_t lookback = sizes::lookback, horizon = sizes::horizon;

    template <class Role>
    using parameters = typename both::template parameters<Role>;
    template <class Plan>
    struct memory : both::template memory<Plan> {
      tensor<typename Plan::value, variates, horizon> out;       ///< of the head
      tensor<typename Plan::value, variates, horizon> restored;  ///< the forecast, a row for each variate
    };
    template <class Target>
    using derived = typename both::template derived<Target>;

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      both::refresh(parameters, derived);
    }

    /// The forecast of the window of the last forward, `(horizon, variates)`.
    template <class Values, class Value, class Run>
    LACUNA_HD static constexpr void forecast(Values v, rows<Value, variates> to, const Run& run) {
      auto& m = v.memory;
      const auto out = m.out.first(variates), restored = m.restored.first(variates);
      head::forward(v.parameters.head_part, v.parameters.embedding, m.head_part, v.derived.head_part,
                    m.normed.first(variates), out, run);
      input::norm::restore(m.input_part.norm_part, out, restored, run);
      op::transpose(to, restored, run.backend);
    }
    /// Adjoints of the whole forecast to all parameters; gradients accumulate.
    template <class Values, class Adjoints, class Value, class Output, class Run>
    LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<const Value, input::series> window,
                                             rows<Output, variates> dforecast, const Run& run) {
      auto& m = v.memory;
      auto& d = a.memory;
      const auto dout = d.out.first(variates), drestored = d.restored.first(variates);
      op::transpose(drestored, dforecast, run.backend);
      input::norm::restore_backward(m.input_part.norm_part, drestored, dout, run);
      const auto dnormed = trunk_type::clear_adjoints(a, window);
      head::backward(v.parameters.head_part, v.parameters.embedding, a.gradients.head_part, a.gradients.embedding,
                     m.head_part, d.head_part, v.derived.head_part, m.normed.first(variates), dout,
                     dnormed.slice(0, variates), run);
      trunk_type::backward(v, a, window, run);
    }
    /// Adds the adjoint of the window itself, after `backward`.
    template <class Values, class Adjoints, class Value, class Run>
    LACUNA_HD static constexpr void window_backward(Values v, Adjoints a, rows<Value, input::series> dwindow,
                                                    const Run& run) {
      auto& m = v.memory;
      auto& d = a.memory;
      const auto dseries = d.input_part.series_part.first(series);
      input::norm::normalise_backward(m.input_part.norm_part, m.input_part.series_part.first(variates),
                                      m.out.first(variates), d.restored.first(variates), dseries.slice(0, variates),
                                      run);
      op::add_transposed(dwindow, dseries, run.backend);
    }
    /// Multiply-adds of the trunk for `tokens` tokens, and of the forecasts of `forecast_rows` variates.
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens, extent_t forecast_rows) {
      return trunk_type::multiply_adds(first, tokens) + head::multiply_adds(forecast_rows);
    }
  };
};

LACUNA_END
