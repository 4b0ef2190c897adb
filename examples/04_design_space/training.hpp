#pragma once
// Variants that learn from scratch, with the same data, seeds and numbers: what main.cpp asks of training.cpp, which is
// compiled beside it.
#include "space.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace studied {

/// Every number of a training but its length and its seed. Batch and rate are for trainings of minutes, so that there
/// are many steps; the rest is as in 08_train_text/shipped.json.
struct training_numbers {
  lc::extent_t batch = 8;  ///< windows of the whole context
  double rate = 0.003, last_rate = 0.00006, warm_up_share = 0.05;
  double beta1 = 0.9, beta2 = 0.98, weight_decay = 0.1, clip_norm = 1, deviation = 0.08;
};

/// So that the last tenth of a text holds a window and what follows it.
inline constexpr lc::extent_t least_characters = 10 * shipped::bound::context + 1;

struct training_request {
  lc::token_view tokens;                        ///< the first nine tenths are learnt from, the rest is held out
  double minutes = 0;                           ///< of the whole program; 0: `steps` says how long
  std::uint64_t steps = 0;                      ///< of every variant
  std::uint64_t seed = 1;                       ///< of weights and windows
  std::uint64_t seeds = 1;                      ///< so many trainings of every variant: seed, seed + 1, ...
  unsigned threads = 0;                         ///< 0: as many as there are cores
  std::chrono::steady_clock::time_point begun;  ///< of the program
};

/// What became of one variant.
struct trained_variant {
  std::vector<double> losses;    ///< nats per character of the held-out text, one for each seed
  double tokens_per_second = 0;  ///< while it learnt
};
struct trained_space {
  std::uint64_t steps = 0;
  std::vector<trained_variant> variants;  ///< in the order of the space
};

/// Trains every variant, and says how far it is on standard error. Stops the program where the text or the time is too
/// short, or a loss is no number.
///
/// Where minutes are given, some steps of every variant are timed, and the whole training has as many steps as fit: one
/// number, which it prints, for all variants. The same number of steps, given as such, makes the same training.
/// What overwrites keys that learning reads, a ring, does not learn: such a variant has the parameters of its twin
/// without a ring, and what that one learns.
trained_space train_all(const training_request& asked);

}  // namespace studied
