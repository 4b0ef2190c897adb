#pragma once
// One model that learns and is looked at.
#include "../support/fast.hpp"
#include "../support/stop.hpp"
#include "study.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace study {

/// Both counters at once, so that a watched forward is compiled once for each model.
template <lc::extent_t Layers, lc::extent_t Hidden>
struct counters {
  lc::residual_counter<Hidden == 0 ? Layers : 2 * Layers> stream;
  lc::neuron_counter<Layers, Hidden == 0 ? 1 : Hidden> neurons;
  template <class... Arguments>
  constexpr void after(const Arguments&... arguments) {
    stream.after(arguments...), neurons.after(arguments...);
  }
};

template <class Recipe, lc::extent_t Layers, lc::extent_t Hidden>
found run_one(const chain& source, const request& asked) {
  using examples::stop;
  using examples::unless_wrong;
  using model_type = lc::model<Recipe, examples::fast>;
  const auto begun = std::chrono::steady_clock::now();
  const auto model = std::make_unique<model_type>();
  const double deviation = asked.width < 64 ? 0.05 : 0.02;
  lc::draw_weights(*model, {.seed = asked.seed + 1, .deviation = deviation, .residual_deviation = deviation});
  const auto teacher = std::make_unique<lc::trainer<model_type>>(
      *model, lc::adam_w{.beta2 = asked.beta2, .weight_decay = 0}, lc::trainer_options{.seed = asked.seed + 1});

  found result;
  result.asked = asked;
  result.parameters = lc::parameter_count<Recipe>;
  if (asked.sample != 0) {
    const auto seen = std::make_unique<sample_table>();
    seen->add(source, sample_seed, 0, asked.sample);
    result.sample_entropy = seen->entropy();
  }

  // Sequences that probes see are the same for all models and all times.
  using counted = counters<Layers, Hidden>;
  const auto watch = [&] {
    auto seen = std::make_unique<counted>();
    const lc::watched watching{model->backend(), *seen};
    for (std::uint64_t number = 0; number < watched; ++number) {
      chain::example example;
      source.sample(watched_seed, number, example);
      model->reset();
      unless_wrong(model->try_forward_watched(watching, example.inputs(), [](lc::extent_t, const auto&) {}));
    }
    if (!seen->stream.complete()) stop("07_low_entropy: expected as many sums as sublayers");
    return seen;
  };
  std::vector<std::array<bool, Layers*(Hidden > 0 ? Hidden : 1)>> dead_then;
  std::vector<std::vector<lc::neuron_moments>> moments_then;

  const auto look = [&](std::uint64_t step, double loss) {
    if constexpr (Hidden > 0) {
      const auto seen = watch();
      const auto& neurons = seen->neurons;
      trace_point point{step, loss, 0, 0};
      auto& dead = dead_then.emplace_back();
      for (lc::extent_t layer = 0; layer < Layers; ++layer) {
        point.active += neurons.active_share(layer) / Layers, point.dead += neurons.dead_share(layer) / Layers;
        for (lc::extent_t i = 0; i < Hidden; ++i) dead[layer * Hidden + i] = neurons.active[layer][i] == 0;
      }
      auto& moments = moments_then.emplace_back();
      lc::visit_neuron_moments(*teacher, [&](const char* path, lc::extent_t, const lc::neuron_moments& of) {
        if (std::string(path).find(".ffn.up.weight") != std::string::npos) moments.push_back(of);
      });
      for (const auto& of : moments) {
        point.second += of.second / static_cast<double>(moments.size());
        point.effective_step += of.effective_step / static_cast<double>(moments.size());
      }
      result.trace.push_back(point);
    }
  };

  const auto rate = lc::warm_up(100.0 / static_cast<double>(asked.steps < 200 ? 200 : asked.steps),
                                lc::cosine_schedule{asked.rate, 0});
  lc::spike_detector spikes;
  for (std::uint64_t step = 0; step < asked.steps; ++step) {
    const double share = static_cast<double>(step + 1) / static_cast<double>(asked.steps);
    const auto taught = unless_wrong(
        teacher->try_step(batch, asked.decays ? rate(share) : asked.rate, [&](auto& by, lc::extent_t index) {
          const std::uint64_t number = step * batch + index;
          chain::example example;
          if (asked.sample == 0)
            source.sample(fresh_seed + asked.seed, number, example);
          else
            source.sample(sample_seed,
                          lc::task::shuffled(asked.seed, number / asked.sample, asked.sample, number % asked.sample),
                          example);
          return lc::try_learn_example(by, example);
        }));
    if (spikes.add(taught.loss)) result.spikes.push_back(step + 1);
    if (asked.traced && (step + 1) % trace_every == 0) look(step + 1, taught.loss);
  }

  // Which neurons die within 50 steps, and what Adam knew of them before.
  constexpr std::size_t ahead = 50 / trace_every;
  std::uint64_t living = 0;
  for (std::size_t at = 0; at + ahead < dead_then.size(); at += ahead)
    for (std::size_t i = 0; i < moments_then[at].size(); ++i) {
      if (dead_then[at][i]) continue;
      auto& to = dead_then[at + ahead][i] ? result.of_dying : result.of_living;
      to.second += moments_then[at][i].second, to.effective_step += moments_then[at][i].effective_step;
      ++(dead_then[at + ahead][i] ? result.deaths : living);
    }
  const auto divide = [](lc::neuron_moments& of, std::uint64_t by) {
    if (by > 0) of.second /= static_cast<double>(by), of.effective_step /= static_cast<double>(by);
  };
  divide(result.of_dying, result.deaths), divide(result.of_living, living);

  result.entropies = unless_wrong(lc::try_report_entropy(source, lc::conditionals_of<4, 6>(*model)));
  const auto at_last = watch();
  const auto copy = std::make_unique<model_type>();
  for (lc::extent_t layer = 0; layer < Layers; ++layer) {
    lc::visit_tensors([](auto& to, const auto& from) { to = from; }, copy->parameters_to_write(), model->parameters());
    unless_wrong(lc::try_silence(*copy, ("blocks." + std::to_string(layer) + ".attention").c_str()));
    const auto without = unless_wrong(lc::try_report_entropy(source, lc::conditionals_of<4, 6>(*copy)));
    layer_found of{at_last->stream.of(Hidden > 0 ? 2 * layer : layer), without.divergence - result.entropies.divergence,
                   0, 0};
    if constexpr (Hidden > 0)
      of.active = at_last->neurons.active_share(layer), of.dead = at_last->neurons.dead_share(layer);
    result.layers.push_back(of);
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return result;
}

/// Learned positions, LayerNorm before each sublayer, biases, ReLU, an output map of its own.
template <lc::extent_t Width, class... Blocks>
using network = lc::decoder<lc::vocabulary<chain::vocabulary>, lc::width<Width>, lc::context<chain::length>,
                            lc::learned_position, Blocks..., lc::linear_head<>>;
template <lc::extent_t Width>
using attention = lc::attention<lc::heads<(Width > 8 ? Width / 8 : 1)>, lc::causal, lc::bias>;

/// Calls `f.template operator()<Width>()` for the width that is asked for.
template <class Function>
found with_width(lc::extent_t width, Function&& f) {
  return width == 8    ? f.template operator()<8>()
         : width == 16 ? f.template operator()<16>()
         : width == 32 ? f.template operator()<32>()
                       : f.template operator()<64>();
}

}  // namespace study
