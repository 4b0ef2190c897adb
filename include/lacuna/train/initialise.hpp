#pragma once
/// Random parameters for a model that begins to learn.

#include <lacuna/core/random.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/model/paths.hpp>

LACUNA_BEGIN

/// How fresh weights are drawn.
struct random_weights {
  std::uint64_t seed = 1;
  double deviation = 0.02;  ///< of every matrix and table
  /// Of all matrices under `output` and `down`, whose products are added to the residual stream: GPT-2 divides their
  /// deviation by the root of their number, since they add up. 0: `deviation` over that root.
  double residual_deviation = 0;
};

namespace detail {

/// Draws matrices and tables. Every tensor has a stream of random numbers, drawn or not.
struct draws_weights {
  const random_weights& by;
  double residual;
  std::uint64_t number = 0;

  template <class Leaf>
  constexpr void operator()(const char* path, Leaf& of) {
    using element = typename Leaf::element;
    const std::uint64_t stream = number++;
    if constexpr (Leaf::rank > 1 && !is_integer<element>) {
      const double deviation = writes_to_the_stream(path) ? residual : by.deviation;
      for (extent_t i = 0; i < Leaf::size; ++i)
        of[i] = static_cast<element>(static_cast<compute_t<element>>(deviation * random_normal(by.seed, stream, i)));
    }
  }
  template <class Struct>
  constexpr bool enters(const path_text&, Struct& of) {
    if constexpr (begins_drawn<Struct>) {
      visit_tensors([this](const auto&) { ++number; }, of);
      return false;
    } else {
      return true;
    }
  }
};

}  // namespace detail

/// Draws every tensor of rank two or more from a normal distribution, tensor by tensor in the order of the walk;
/// vectors (gains, shifts, biases) and integers stay as a new model has them, and so does what begins with numbers
/// drawn by a rule of its own (centroids). The same seed gives the same bits everywhere. Source: Radford et al. (2019),
/// "Language models are unsupervised multitask learners", section 2.3.
template <class Model>
constexpr void draw_weights(Model& of, const random_weights& by) {
  extent_t into_stream = 0;
  visit_named(
      [&]<class Leaf>(const char* path, const Leaf&) {
        if (Leaf::rank > 1 && detail::writes_to_the_stream(path)) ++into_stream;
      },
      of.parameters());
  const double residual = by.residual_deviation > 0
                              ? by.residual_deviation
                              : by.deviation / maths::sqrt(static_cast<double>(into_stream > 0 ? into_stream : 1));
  detail::draws_weights draws{by, residual};
  visit_named(draws, of.parameters_to_write());
  of.update();
}

LACUNA_END
