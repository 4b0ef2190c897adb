#pragma once
/// Each series of a window is brought to mean 0 and variance 1, and its forecast back to where the series was.

#include <lacuna/core/epsilon.hpp>
#include <lacuna/model/window/sizes.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

/// n = (x - mean(x)) / s with s = sqrt(var(x) + epsilon) for each series x of a window, `(series, lookback)` in place,
/// and y = s out + mean(x) for its forecast, `(series, horizon)`. The variance is the biased one. No parameters and no
/// multiply-adds. A series that is moved by a and scaled by c > 0 has the forecast c y + a, but for epsilon.
///
/// Mean and s are functions of the window alone. Whether they are constants (the released code detaches the mean and
/// not s) is therefore no question for the gradients of parameters; the adjoint of the window is the true derivative
/// here, through both.
/// Source: Liu et al. (2024), iTransformer, arXiv 2310.06625, in the released code's form; Liu et al. (2022),
/// Non-stationary Transformers, arXiv 2205.14415, section 3.1; with gains Kim et al. (2022), RevIN.
template <epsilon Epsilon = epsilon{}>
struct instance_norm {
  static_assert(__is_base_of(nothing, rules::epsilon_is_no_less_than_zero<Epsilon.fine()>) || true);
  using slot = slots::input_norm;
  static constexpr auto name = fixed_string("instance_norm");

  template <extent_t Variates, extent_t Lookback, extent_t Horizon>
  struct bound {
    template <class Plan>
    struct memory {
      tensor<typename Plan::value, Variates, 1> mean;
      tensor<typename Plan::value, Variates, 1> inverse;  ///< 1 / s for each series
    };

    /// x becomes n.
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void normalise(Memory& memory, rows<Value, Lookback> x, const Run& run) {
      const auto mean = memory.mean.first(x.count), inverse = memory.inverse.first(x.count);
      op::evaluate(mean, row_mean(x), run.backend);
      op::evaluate(inverse, inverse_root(row_mean((x - mean) * (x - mean)) + Epsilon.value), run.backend);
      op::evaluate(x, (x - mean) * inverse, run.backend);
    }
    /// y of out.
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void restore(Memory& memory, rows<Value, Horizon> out, rows<Value, Horizon> y,
                                            const Run& run) {
      op::evaluate(y, out / memory.inverse.first(y.count) + memory.mean.first(y.count), run.backend);
    }
    /// dout = s dy, written.
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void restore_backward(Memory& memory, rows<Value, Horizon> dy, rows<Value, Horizon> dout,
                                                     const Run& run) {
      op::evaluate(dout, dy / memory.inverse.first(dy.count), run.backend);
    }
    /// dn becomes dx, with what comes back through the forecast: with r = 1 / s,
    /// dx = r (dn - mean(dn) - n mean(dn n)) + (sum(dy) + n sum(dy out)) / lookback.
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void normalise_backward(Memory& memory, rows<Value, Lookback> n,
                                                       rows<Value, Horizon> out, rows<Value, Horizon> dy,
                                                       rows<Value, Lookback> dn, const Run& run) {
      const auto r = memory.inverse.first(n.count);
      op::evaluate(dn,
                   r * (dn - row_mean(dn) - n * row_mean(dn * n)) +
                       (row_sum(dy) + n * row_sum(dy * out)) * (Value(1) / Value(Lookback)),
                   run.backend);
    }
  };
};

/// Windows and forecasts as they are.
struct no_instance_norm {
  using slot = slots::input_norm;
  static constexpr auto name = fixed_string("no_instance_norm");

  template <extent_t Variates, extent_t Lookback, extent_t Horizon>
  struct bound {
    template <class Plan>
    struct memory {};

    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void normalise(Memory&, rows<Value, Lookback>, const Run&) {}
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void restore(Memory&, rows<Value, Horizon> out, rows<Value, Horizon> y, const Run& run) {
      op::evaluate(y, out, run.backend);
    }
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void restore_backward(Memory&, rows<Value, Horizon> dy, rows<Value, Horizon> dout,
                                                     const Run& run) {
      op::evaluate(dout, dy, run.backend);
    }
    template <class Memory, class Value, class Run>
    LACUNA_HD static constexpr void normalise_backward(Memory&, rows<Value, Lookback>, rows<Value, Horizon>,
                                                       rows<Value, Horizon>, rows<Value, Lookback>, const Run&) {}
  };
};

LACUNA_END
