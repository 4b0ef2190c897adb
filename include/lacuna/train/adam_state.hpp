#pragma once
/// What Adam remembers of each neuron: a probe that reads moments.

#include <lacuna/train/adam_w.hpp>
#include <lacuna/train/trainer.hpp>

LACUNA_BEGIN

/// Means over what leads into a neuron.
struct neuron_moments {
  double second = 0;          ///< of v / (1 - beta2^steps), the squares of gradients lately
  double effective_step = 0;  ///< of |m'| / (sqrt(v') + epsilon): 1 where gradients agree; more after a quiet time
};

/// Calls `f(path, neuron, moments)` for every row of every matrix that `adam_w` moves: a row holds the weights that
/// lead into one output, of `ffn.up.weight` into one neuron. Nothing is called for matrices that did not learn yet.
/// Reads only; costs a pass over both moments. Source: Kingma and Ba (2015), arXiv 1412.6980, algorithm 1; that they
/// decide which neurons die is a claim of Ren and Liu (2025), arXiv 2504.18929.
template <class Trainer, class Function>
void visit_neuron_moments(const Trainer& teacher, Function&& f) {
  const auto& by = teacher.optimiser;
  extent_t tensor = 0;
  visit_named(
      [&](const char* path, const auto& first, const auto& second) {
        using leaf = std::remove_cvref_t<decltype(first)>;
        const auto steps = static_cast<double>(teacher.learnt(tensor++));
        if (steps == 0) return;
        const double first_share = 1 - maths::power(by.beta1, steps), second_share = 1 - maths::power(by.beta2, steps);
        if constexpr (leaf::rank == 2) {
          constexpr extent_t outputs = leaf::extents[0], inputs = leaf::extents[1];
          for (extent_t neuron = 0; neuron < outputs; ++neuron) {
            neuron_moments of;
            for (extent_t i = 0; i < inputs; ++i) {
              const double m = static_cast<double>(first[neuron * inputs + i]) / first_share;
              const double v = static_cast<double>(second[neuron * inputs + i]) / second_share;
              of.second += v / inputs;
              of.effective_step += (m < 0 ? -m : m) / (maths::sqrt(v) + by.epsilon) / inputs;
            }
            f(path, neuron, of);
          }
        }
      },
      teacher.moments().first, teacher.moments().second);
}

LACUNA_END
