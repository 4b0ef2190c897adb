#pragma once
/// The sizes of a window of several series, and the slots of what is done with it.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>

LACUNA_BEGIN

template <extent_t Series>
struct variates;
template <extent_t Columns>
struct covariates;
template <extent_t Steps>
struct lookback;
template <extent_t Steps>
struct horizon;
struct no_instance_norm;
template <class... Policies>
struct inverted_tokens;

namespace slots {
/// `variates<7>`.
struct variates {
  using stand_in = lacuna::variates<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::variates: it is missing in a regressor (add lacuna::variates<N>, the number of series)");
  };
};
/// `covariates<4>`.
struct covariates {
  using stand_in = lacuna::covariates<0>;
};
/// `lookback<96>`.
struct lookback {
  using stand_in = lacuna::lookback<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::lookback: it is missing in a regressor (add lacuna::lookback<N>, the steps of a window)");
  };
};
/// `horizon<96>`.
struct horizon {
  using stand_in = lacuna::horizon<1>;
  template <class Recipe>
  struct missing {
    static_assert(always_false<Recipe>,
                  "lacuna::horizon: it is missing in a regressor (add lacuna::horizon<N>, the steps of a forecast)");
  };
};
/// How series become tokens: `inverted_tokens<>`.
struct series_tokens {
  using stand_in = inverted_tokens<>;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1, 1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(always_false<Policy>,
                  "lacuna::series_tokens: the policy has no bound<Series, Lookback, Width> (see "
                  "lacuna::inverted_tokens for what one offers)");
  };
};
/// What is done to each series of a window, and undone in its forecast: `instance_norm<>`, `no_instance_norm`.
struct input_norm {
  using stand_in = no_instance_norm;
  template <class Policy>
  static constexpr bool accepts = requires { typename Policy::template bound<1, 1, 1>; };
  template <class Policy>
  struct refused {
    static_assert(
        always_false<Policy>,
        "lacuna::input_norm: the policy has no bound<Variates, Lookback, Horizon> (see lacuna::instance_norm for what "
        "one offers)");
  };
};
}  // namespace slots

/// Series that are read and forecast.
template <extent_t Series>
struct variates {
  using slot = slots::variates;
  static constexpr extent_t value = Series;
  static constexpr auto name = fixed_string("variates<") + decimal<Series>() + ">";
};
/// Series that are read and not forecast, such as what a calendar says of each step: columns behind the variates.
template <extent_t Columns>
struct covariates {
  using slot = slots::covariates;
  static constexpr extent_t value = Columns;
  static constexpr auto name = fixed_string("covariates<") + decimal<Columns>() + ">";
};
/// Steps of a window.
template <extent_t Steps>
struct lookback {
  using slot = slots::lookback;
  static constexpr extent_t value = Steps;
  static constexpr auto name = fixed_string("lookback<") + decimal<Steps>() + ">";
};
/// Steps of a forecast: those right behind the window.
template <extent_t Steps>
struct horizon {
  using slot = slots::horizon;
  static constexpr extent_t value = Steps;
  static constexpr auto name = fixed_string("horizon<") + decimal<Steps>() + ">";
};

LACUNA_END
