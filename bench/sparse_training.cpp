// How well a small decoder learns addition when its weights are N:M sparse: pruned once, pruned and trained on, or
// sparse all the time, straight through the mask, by SR-STE and with masks that decay. Loss of held-out sums, each by
// the hard mask, for three seeds; all ways take as many steps, with the same examples and fresh weights.
//
//   bench_sparse_training [STEPS]     steps of 16 sums, 1500 if not given
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <lacuna/lacuna.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

using adding = lc::task::addition<lc::task::addends{.digits = 2}>;
constexpr lc::extent_t streams = 16, judged = 512;
constexpr int seeds = 3;

template <class Format>
using network =
    lc::decoder<lc::vocabulary<adding::vocabulary>, lc::width<32>, lc::context<adding::length>, lc::learned_position,
                lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::causal, Format>,
                                           lc::ffn<lc::hidden<64>, lc::gelu_tanh, Format>>>>;

/// When masks are chosen, as shares of the training: from where on, and until where. After the last step they are
/// chosen once more where they move.
struct plan {
  const char* name;
  double first = 0, last = 1;
};

double fail(const lc::error& why) {
  std::fprintf(stderr, "bench_sparse_training: %s\n", why.message.c_str());
  std::exit(1);
}

/// The loss that is left, in nats per digit of a sum.
template <class Packed, class Gradient, class Optimiser>
double train(const plan& by, const Optimiser& optimiser, double rate, std::uint64_t seed, std::uint64_t steps) {
  using model_type = lc::model<network<lc::masked<Packed, Gradient>>, lc::simd>;
  const auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = seed, .deviation = 0.1});
  const auto teacher =
      std::make_unique<lc::trainer<model_type, Optimiser>>(*model, optimiser, lc::trainer_options{.clip_norm = 1});
  const lc::training_length length{.steps = steps};
  const auto rates = lc::warm_up(0.05, lc::cosine_schedule{.from = rate, .to = rate / 20});
  const auto choose = [&] {
    if (const auto chosen = lc::try_choose_masks(*model); !chosen.ok()) fail(chosen.why());
  };
  const auto lesson = [&]<class Task>(const Task& task, std::uint64_t of_seed, std::uint64_t from, bool learns) {
    return [&task, of_seed, from, learns](auto& to, lc::extent_t index) {
      lc::task::token_example<adding::length> example;
      task.sample(of_seed, from + index, example);
      return learns ? lc::try_learn_example(to, example) : lc::try_measure_example(to, example);
    };
  };
  for (std::uint64_t step = 0; step < steps; ++step) {
    const double share = length.share({.steps = step});
    if (share >= by.first && share <= by.last) choose();
    if constexpr (Gradient::decays) {
      const double left = share < 0.75 ? lc::linear_schedule{1, 0}(share / 0.75) : 0;
      if (const auto set = lc::try_decay_masks(*model, left); !set.ok()) fail(set.why());
    }
    const auto report = teacher->try_step(streams, rates(length.share({.steps = step + 1})),
                                          lesson(lc::task::without_held_out<adding>{}, seed, step * streams, true));
    if (!report.ok()) fail(report.why());
  }
  if (by.last >= 1) choose();
  const auto report = teacher->try_measure(judged, lesson(lc::task::held_out<adding>{}, 1000, 0, false));
  return report.ok() ? report->loss : fail(report.why());
}

template <class Packed, class Gradient, class Optimiser>
void row(const plan& by, const Optimiser& optimiser, double rate, std::uint64_t steps) {
  double losses[seeds], mean = 0;
  for (int i = 0; i < seeds; ++i) {
    losses[i] = train<Packed, Gradient>(by, optimiser, rate, static_cast<std::uint64_t>(i) + 1, steps);
    mean += losses[i] / seeds;
  }
  std::printf("  %-44s %8.4f   %8.4f %8.4f %8.4f\n", by.name, mean, losses[0], losses[1], losses[2]);
  std::fflush(stdout);
}

template <class Packed, class Optimiser>
void table(const char* name, const Optimiser& optimiser, double rate, std::uint64_t steps) {
  using lc::kept_entries;
  std::printf("%s, %s\n  %-44s %8s   %26s\n", Packed::name.c_str(), name, "", "mean", "seed by seed");
  row<Packed, kept_entries>({"dense", 2, 0}, optimiser, rate, steps);
  row<Packed, kept_entries>({"dense, pruned at the end", 2, 1}, optimiser, rate, steps);
  row<Packed, kept_entries>({"dense, pruned half-way and trained on", 0.5, 1}, optimiser, rate, steps);
  row<Packed, kept_entries>({"pruned before the first step", 0, 0}, optimiser, rate, steps);
  row<Packed, lc::straight_through>({"straight through"}, optimiser, rate, steps);
  row<Packed, lc::sr_ste<>>({"SR-STE"}, optimiser, rate, steps);
  row<Packed, lc::decaying<>>({"decaying masks"}, optimiser, rate, steps);
  row<Packed, lc::decaying<lc::straight_through>>({"decaying masks, straight through"}, optimiser, rate, steps);
}

}  // namespace

int main(int count, char** arguments) {
  const long asked = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 1500;
  if (count > 2 || asked < 10 || asked > 1'000'000) {
    std::fprintf(stderr, "usage: bench_sparse_training [STEPS from 10 to 1000000]\n");
    return 2;
  }
  const auto steps = static_cast<std::uint64_t>(asked);
  std::printf("held-out loss, nats per digit, after %llu steps\n", static_cast<unsigned long long>(steps));
  table<lc::n_m<2, 4>>("AdamW", lc::adam_w{}, 3e-3, steps);
  table<lc::n_m<1, 8>>("AdamW", lc::adam_w{}, 3e-3, steps);
  table<lc::n_m<1, 8>>("gradient descent", lc::gradient_descent{}, 0.1, steps);
}
