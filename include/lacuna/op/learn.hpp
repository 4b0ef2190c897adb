#pragma once
/// What an optimiser does to all numbers of a tensor alike: sums, gradients' length, steps. A tensor is a flat column
/// of its numbers here, `(size, 1)`, so that one kernel serves all shapes.

#include <lacuna/core/maths.hpp>
#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

/// The numbers of a tensor as one column.
template <class Element, extent_t... Extents>
LACUNA_HD constexpr rows<Element, 1> flat(tensor<Element, Extents...>& of) noexcept {
  return {of.data, of.size};
}
template <class Element, extent_t... Extents>
LACUNA_HD constexpr rows<const Element, 1> flat(const tensor<Element, Extents...>& of) noexcept {
  return {of.data, of.size};
}

/// One step of Adam for one tensor. `rate` is divided by the first moment's correction, `root` is the root of the
/// second's; `kept` is what decay leaves of a weight.
template <class Value>
struct adam_numbers {
  Value scale = 1;                   ///< what gradients are multiplied by
  Value first = 0, first_new = 1;    ///< shares of the old first moment and of the gradient
  Value second = 0, second_new = 1;  ///< shares of the old second moment and of the squared gradient
  Value rate = 0, root = 1, epsilon = 0, kept = 1;
};
/// One step of gradient descent with momentum for one tensor.
template <class Value>
struct momentum_numbers {
  Value scale = 1;
  Value momentum = 0, decay = 0, rate = 0;
  bool looks_ahead = false;  ///< Nesterov's form
};

namespace operation {

/// Base of operations without multiply-adds that are counted.
struct on_flat_numbers {
  template <class... Arguments>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Arguments&...) noexcept {
    return 0;  // elementwise work is not counted as multiply-adds
  }
};

/// y += x.
struct add_numbers : on_flat_numbers {
  static constexpr auto name = fixed_string("add_numbers");
};
template <class Value>
LACUNA_HD constexpr auto kernel(add_numbers, rows<Value, 1> y, rows<const Value, 1> x, const reference&) {
  for (extent_t i = 0; i < y.count; ++i) y.data[i] += x.data[i];
  return ran_on<reference>{};
}

/// total += sum of x^2.
struct sum_squares : on_flat_numbers {
  static constexpr auto name = fixed_string("sum_squares");
};
template <class Value>
LACUNA_HD constexpr auto kernel(sum_squares, rows<double, 1> total, rows<const Value, 1> x, const reference&) {
  for (extent_t i = 0; i < x.count; ++i)
    total.data[0] += static_cast<double>(x.data[i]) * static_cast<double>(x.data[i]);
  return ran_on<reference>{};
}

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w = kept w - rate m / (sqrt(v) / root + epsilon).
struct adam_step : on_flat_numbers {
  static constexpr auto name = fixed_string("adam_step");

  /// For one number, or for lanes of numbers.
  template <class V, class Numbers>
  LACUNA_HD LACUNA_INLINE static constexpr void apply(V& weight, V gradient, V& first, V& second,
                                                      const Numbers& by) noexcept {
    const V g = gradient * V(by.scale);
    first = first * V(by.first) + g * V(by.first_new);
    second = second * V(by.second) + g * g * V(by.second_new);
    weight = weight * V(by.kept) - V(by.rate) * first / (maths::sqrt(second) / V(by.root) + V(by.epsilon));
  }
};
template <class Value>
LACUNA_HD constexpr auto kernel(adam_step, rows<Value, 1> weight, rows<const Value, 1> gradient, rows<Value, 1> first,
                                rows<Value, 1> second, const adam_numbers<Value>& by, const reference&) {
  for (extent_t i = 0; i < weight.count; ++i)
    adam_step::apply(weight.data[i], gradient.data[i], first.data[i], second.data[i], by);
  return ran_on<reference>{};
}

/// g += decay w, m = momentum m + g, w -= rate m; looking ahead: w -= rate (g + momentum m).
struct momentum_step : on_flat_numbers {
  static constexpr auto name = fixed_string("momentum_step");

  /// For one number, or for lanes of numbers.
  template <class V, class Numbers>
  LACUNA_HD LACUNA_INLINE static constexpr void apply(V& weight, V gradient, V& moment, const Numbers& by) noexcept {
    const V g = gradient * V(by.scale) + weight * V(by.decay);
    moment = moment * V(by.momentum) + g;
    weight = weight - V(by.rate) * (by.looks_ahead ? g + moment * V(by.momentum) : moment);
  }
};
template <class Value>
LACUNA_HD constexpr auto kernel(momentum_step, rows<Value, 1> weight, rows<const Value, 1> gradient,
                                rows<Value, 1> moment, const momentum_numbers<Value>& by, const reference&) {
  for (extent_t i = 0; i < weight.count; ++i)
    momentum_step::apply(weight.data[i], gradient.data[i], moment.data[i], by);
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// y += x: as many numbers each.
template <class Value, class Input, class Backend>
LACUNA_HD constexpr auto add_numbers(rows<Value, 1> y, rows<Input, 1> x, const Backend& backend) {
  return run_kernel(operation::add_numbers{}, backend, y, readable(x));
}
/// total += the sum of all squares; f64 across blocks of numbers.
template <class Value, class Backend>
LACUNA_HD constexpr auto sum_squares(double& total, rows<Value, 1> x, const Backend& backend) {
  return run_kernel(operation::sum_squares{}, backend, rows<double, 1>(&total, 1), readable(x));
}
/// One step of Adam with decoupled decay on as many weights as there are gradients and moments.
/// Source: Loshchilov and Hutter (2019), arXiv 1711.05101, algorithm 2; Kingma and Ba (2015), arXiv 1412.6980.
template <class Value, class Input, class Backend>
LACUNA_HD constexpr auto adam_step(rows<Value, 1> weight, rows<Input, 1> gradient, rows<Value, 1> first,
                                   rows<Value, 1> second, const adam_numbers<Value>& by, const Backend& backend) {
  return run_kernel(operation::adam_step{}, backend, weight, readable(gradient), first, second, by);
}
/// One step of gradient descent with momentum on as many weights as there are gradients and moments.
/// Source: Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning", without the
/// rate inside the moment.
template <class Value, class Input, class Backend>
LACUNA_HD constexpr auto momentum_step(rows<Value, 1> weight, rows<Input, 1> gradient, rows<Value, 1> moment,
                                       const momentum_numbers<Value>& by, const Backend& backend) {
  return run_kernel(operation::momentum_step{}, backend, weight, readable(gradient), moment, by);
}

}  // namespace op

LACUNA_END
