#pragma once
/// Gradient descent, with momentum.

#include <lacuna/op/learn.hpp>
#include <lacuna/tensor/walk.hpp>
#include <lacuna/train/check_numbers.hpp>

LACUNA_BEGIN

/// m = momentum m + (g + weight_decay w), w -= rate m; with `looks_ahead` (Nesterov's form) w -= rate (g + momentum m).
/// One number per parameter; momentum 0 is plain gradient descent. Matrices alone decay unless a tensor's setting says
/// otherwise. Source: Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning", eq.
/// (1), as PyTorch has it: the rate is outside the moment.
struct gradient_descent {
  double momentum = 0.9, weight_decay = 0;
  bool looks_ahead = false;

  /// What it remembers: a tensor for every gradient.
  template <class Gradients>
  struct moments {
    Gradients first{};
    template <class Visitor, class... Structs>
    static constexpr void visit(Visitor&& v, Structs&... s) {
      v("first", s.first...);
    }
  };

  /// Error, which every step of a trainer asks for first: a number that is not in its range.
  constexpr status try_check() const {
    return detail::try_check_numbers("lacuna::gradient_descent",
                                     {{"momentum", momentum, "0.9 is usual, and 0 plain gradient descent", 1},
                                      {"weight_decay", weight_decay, "0 is none"}});
  }
  /// Calls `f(tensor..., moment...)` for every tensor that has a gradient.
  template <class Function, class Moments, class... Structs>
  static constexpr void visit_tensors(Function&& f, Moments& of, Structs&... structs) {
    lacuna::visit_tensors(f, structs..., of.first);
  }
  /// One tensor's step; `decay` is its weight decay.
  template <class Weight, class Gradient, class First, class Backend>
  constexpr void step(Weight& weight, const Gradient& gradient, First& first, double rate, double decay, double scale,
                      std::uint64_t, const Backend& backend) const {
    using value = typename Gradient::element;
    op::momentum_step(flat(weight), flat(gradient), flat(first),
                      momentum_numbers<value>{static_cast<value>(scale), static_cast<value>(momentum),
                                              static_cast<value>(decay), static_cast<value>(rate), looks_ahead},
                      backend);
  }
};

LACUNA_END
