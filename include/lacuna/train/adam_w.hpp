#pragma once
/// Adam with decoupled weight decay.

#include <lacuna/op/learn.hpp>
#include <lacuna/tensor/walk.hpp>
#include <lacuna/train/check_numbers.hpp>

LACUNA_BEGIN

/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= rate (m' / (sqrt(v') + epsilon) + weight_decay w), with m' and
/// v' divided by 1 - b^step; steps in which a tensor was frozen do not count for it. `trainer<Model, adam_w>`; its
/// moments can be read: `trainer.moments().first`. Two numbers per parameter. Source: Loshchilov and Hutter (2019),
/// arXiv 1711.05101, algorithm 2, as PyTorch has it: decay is times the rate, and matrices alone decay unless a
/// tensor's setting says otherwise.
struct adam_w {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.01;

  /// What it remembers: a tensor for every gradient.
  template <class Gradients>
  struct moments {
    Gradients first{};
    Gradients second{};
    /// Those that no step makes negative.
    constexpr const Gradients& squares() const noexcept { return second; }
    template <class Visitor, class... Structs>
    static constexpr void visit(Visitor&& v, Structs&... s) {
      v("first", s.first...);
      v("second", s.second...);
    }
  };

  /// Error, which every step of a trainer asks for first: a number that is not in its range.
  constexpr status try_check() const {
    return detail::try_check_numbers("lacuna::adam_w", {{"beta1", beta1, "0.9 is usual", 1},
                                                        {"beta2", beta2, "0.999 is usual", 1},
                                                        {"epsilon", epsilon, "1e-8 is usual"},
                                                        {"weight_decay", weight_decay, "0.01 is usual"}});
  }
  /// The numbers of step `step`, counted from 1.
  template <class Value>
  constexpr adam_numbers<Value> numbers(double rate, double decay, double scale, std::uint64_t step) const noexcept {
    const double second_correction = 1 - power(beta2, step);
    return {static_cast<Value>(scale),
            static_cast<Value>(beta1),
            static_cast<Value>(1 - beta1),
            static_cast<Value>(beta2),
            static_cast<Value>(1 - beta2),
            static_cast<Value>(rate / (1 - power(beta1, step))),
            static_cast<Value>(maths::sqrt(second_correction)),
            static_cast<Value>(epsilon),
            static_cast<Value>(1 - rate * decay)};
  }
  /// Calls `f(tensor..., moment...)` for every tensor that has a gradient.
  template <class Function, class Moments, class... Structs>
  static constexpr void visit_tensors(Function&& f, Moments& of, Structs&... structs) {
    lacuna::visit_tensors(f, structs..., of.first, of.second);
  }
  /// One tensor's step; `decay` is its weight decay.
  template <class Weight, class Gradient, class First, class Second, class Backend>
  constexpr void step(Weight& weight, const Gradient& gradient, First& first, Second& second, double rate, double decay,
                      double scale, std::uint64_t step_number, const Backend& backend) const {
    using value = typename Gradient::element;
    op::adam_step(flat(weight), flat(gradient), flat(first), flat(second),
                  numbers<value>(rate, decay, scale, step_number), backend);
  }

 private:
  static constexpr double power(double base, std::uint64_t exponent) noexcept {
    double result = 1;
    for (; exponent != 0; exponent >>= 1, base *= base)
      if ((exponent & 1u) != 0) result *= base;
    return result;
  }
};

LACUNA_END
