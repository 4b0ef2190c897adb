#pragma once
// What is asked of a training and what is found: shared by the program's files, of which each compiles some models.
#include <array>
#include <cstdint>
#include <lacuna/lacuna.hpp>
#include <vector>

namespace study {
namespace lc = lacuna;

/// 4096 sequences, so that every entropy is exact.
inline constexpr lc::task::sequence_sizes sizes{.symbols = 4, .length = 6};
using chain = lc::task::markov_source<sizes, 2>;
using sample_table = lc::task::empirical<sizes>;

/// Two layers with feed-forwards; without them; and without them, but with as many parameters, in six layers.
enum class arm { full, attention_only, matched };
inline constexpr arm arms[]{arm::full, arm::attention_only, arm::matched};
constexpr const char* name_of(arm of) {
  return of == arm::full      ? "with feed-forwards"
         : of == arm::matched ? "attention, as many parameters"
                              : "attention alone";
}
inline constexpr lc::extent_t widths[]{8, 16, 32, 64};

/// Seeds of what is drawn once and shared by all trainings.
inline constexpr std::uint64_t source_seed = 7, sample_seed = 1000, fresh_seed = 2000, watched_seed = 3000;

/// One training; the numbers that never vary stand below, and in subject.hpp.
struct request {
  arm of = arm::full;
  lc::extent_t width = 8;
  std::uint64_t sample = 0;  ///< so many fixed sequences, again and again; 0: fresh ones
  std::uint64_t seed = 0;
  std::uint64_t steps = 1200;
  double rate = 3e-3, beta2 = 0.999;
  bool decays = true;   ///< warm-up and cosine to 0; else the rate is constant
  bool traced = false;  ///< whether loss and activity are written down while it learns
  bool judged = false;  ///< of the traced ones, those that claim (i) is judged by; (h) is by all of them
};
inline constexpr lc::extent_t batch = 128;
inline constexpr std::uint64_t watched = 1024;   ///< sequences that probes see
inline constexpr std::uint64_t trace_every = 5;  ///< steps

struct layer_found {
  lc::residual_share attention;
  double removal = 0;           ///< how much KL(p || q) rises without this attention
  double active = 0, dead = 0;  ///< shares of neurons; 0 without feed-forwards
};
/// Every few steps of a traced training. Moments are means over the rows of the feed-forwards' first weights.
struct trace_point {
  std::uint64_t step = 0;
  double loss = 0, active = 0, dead = 0, second = 0, effective_step = 0;
};
struct found {
  request asked;
  std::size_t parameters = 0;
  double sample_entropy = 0;  ///< of the fixed sequences; 0 for fresh ones
  lc::entropy_report entropies;
  std::vector<layer_found> layers;
  std::vector<trace_point> trace;
  std::vector<std::uint64_t> spikes;  ///< steps, counted from 1
  /// Of neurons that died within 50 steps and of those that did not: Adam's second moment and effective step before.
  lc::neuron_moments of_dying, of_living;
  std::uint64_t deaths = 0;
  double seconds = 0;

  double excess() const { return entropies.model_entropy - entropies.source_entropy; }
  double excess_over_sample() const { return entropies.model_entropy - sample_entropy; }
  const layer_found& last() const { return layers.back(); }
  double active() const {
    double sum = 0;
    for (const auto& each : layers) sum += each.active / static_cast<double>(layers.size());
    return sum;
  }
  double dead() const {
    double sum = 0;
    for (const auto& each : layers) sum += each.dead / static_cast<double>(layers.size());
    return sum;
  }
};

/// Each compiled in a file of its own.
found run_full(const chain& source, const request& asked);
found run_attention_only(const chain& source, const request& asked);
found run_matched(const chain& source, const request& asked);
inline found run(const chain& source, const request& asked) {
  return asked.of == arm::full      ? run_full(source, asked)
         : asked.of == arm::matched ? run_matched(source, asked)
                                    : run_attention_only(source, asked);
}

}  // namespace study
