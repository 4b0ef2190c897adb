#include "training.hpp"

#include "../support/fast.hpp"
#include "../support/stop.hpp"
#include "../support/team.hpp"

#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

namespace studied {
namespace {
using examples::stop;
using examples::team;
using examples::unless_wrong;
using text = lc::task::text<lc::task::text_sizes{shipped::bound::vocabulary, shipped::bound::context}>;
using example = lc::task::token_example<text::length>;
constexpr training_numbers numbers;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One training, whatever its variant is. What depends on the type is compiled once for each, so it is little.
class student {
 public:
  virtual ~student() = default;
  /// Learns from the windows of a step, and returns their mean loss.
  virtual lc::outcome<lc::step_report> learn(std::uint64_t step, double rate) = 0;
  /// The mean loss over the first windows of the held-out text.
  virtual lc::outcome<lc::step_report> measure(lc::extent_t windows) = 0;
};

struct lessons {
  text training, held_out;
};

template <class Recipe>
class student_of final : public student {
 public:
  student_of(const lessons& from, std::uint64_t seed, team& threads)
      : from_(from),
        seed_(seed),
        teacher_(model_,
                 lc::adam_w{.beta1 = numbers.beta1, .beta2 = numbers.beta2, .weight_decay = numbers.weight_decay},
                 lc::trainer_options{.clip_norm = numbers.clip_norm}, threads) {
    if (!teacher_.ready()) stop("04_design_space: expected memory for a training, found too little");
    lc::draw_weights(model_, {.seed = seed, .deviation = numbers.deviation});
  }
  lc::outcome<lc::step_report> learn(std::uint64_t step, double rate) override {
    return teacher_.try_step(numbers.batch, rate, [&](auto& by, lc::extent_t stream) {
      example into;
      from_.training.sample(seed_, step * numbers.batch + stream, into);
      return lc::try_learn_example(by, into);
    });
  }
  lc::outcome<lc::step_report> measure(lc::extent_t windows) override {
    return teacher_.try_measure(windows, [&](auto& by, lc::extent_t window) {
      example into;
      from_.held_out.read(window, into);
      return lc::try_measure_example(by, into);
    });
  }

 private:
  using model_type = lc::model<Recipe, examples::fast>;

  const lessons& from_;
  std::uint64_t seed_;
  model_type model_;
  lc::trainer<model_type, lc::adam_w, lc::parts<4>, team> teacher_;
};

template <class Recipe>
std::unique_ptr<student> enrol(const lessons& from, std::uint64_t seed, team& threads) {
  return std::make_unique<student_of<Recipe>>(from, seed, threads);
}

/// What learns: the variants without those that have a twin for it.
struct school {
  struct pupil {
    std::string name;
    std::unique_ptr<student> (*enrol)(const lessons&, std::uint64_t seed, team&);
  };
  std::vector<pupil> pupils;
  std::vector<std::size_t> pupil_of_variant;

  school() {
    lc::for_each_variant<space>([&]<class Variant>(Variant variant) {
      if constexpr (learns_as<Variant> == Variant::index) {
        pupil_of_variant.push_back(pupils.size());
        pupils.push_back({variant.name.c_str(), enrol<typename Variant::recipe>});
      } else {  // a twin without a ring comes earlier
        pupil_of_variant.push_back(pupil_of_variant[learns_as<Variant>]);
      }
    });
  }
};

double loss_or_stop(const school::pupil& of, const lc::outcome<lc::step_report>& found) {
  if (!found.ok()) stop("04_design_space: " + of.name + ": " + found.why().message.c_str());
  return found->loss;
}

/// How many steps of all trainings fit into the minutes, by a few of each that are timed.
std::uint64_t steps_that_fit(const training_request& asked, const school& of, const lessons& from, team& threads) {
  constexpr std::uint64_t least = 10, timed = 3;
  constexpr lc::extent_t measured = 16;
  constexpr double reserve = 0.1;  // the share of the time that is left for what the timed steps did not show
  double step = 0, rest = 0;       // seconds of all pupils
  const lc::extent_t windows = from.held_out.windows(), few = windows < measured ? windows : measured;
  for (const auto& pupil : of.pupils) {
    std::fprintf(stderr, "\rtiming a step of each, %2zu of %zu%-40s",
                 static_cast<std::size_t>(&pupil - of.pupils.data() + 1), of.pupils.size(), "");
    auto start = std::chrono::steady_clock::now();
    const auto student = pupil.enrol(from, asked.seed, threads);
    (void)loss_or_stop(pupil, student->learn(0, numbers.last_rate));  // memory is met for the first time
    rest += seconds_since(start), start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 1; i <= timed; ++i) (void)loss_or_stop(pupil, student->learn(i, numbers.last_rate));
    step += seconds_since(start) / timed, start = std::chrono::steady_clock::now();
    (void)loss_or_stop(pupil, student->measure(few));
    rest += seconds_since(start) * static_cast<double>(windows) / static_cast<double>(few);
  }
  const auto seeds = static_cast<double>(asked.seeds);
  const double passed = seconds_since(asked.begun) + seeds * rest, one = seeds * step / (1 - reserve);
  const double fit = (60 * asked.minutes - passed) / one;
  if (!(fit >= least)) {
    char why[200];
    std::snprintf(why, sizeof why,
                  "\n04_design_space: --train: expected at least %.1f minutes, for %d steps of every variant on this "
                  "machine, found %g (give more, or --steps N)",
                  std::ceil((passed + least * one) / 6) / 10, static_cast<int>(least), asked.minutes);
    stop(why);
  }
  return static_cast<std::uint64_t>(fit);
}

/// A line that says how far all trainings are.
class progress_line {
 public:
  progress_line(std::size_t trainings, std::uint64_t steps) : trainings_(trainings), steps_(steps) {}

  void show(std::size_t training, std::uint64_t step, double loss, double tokens_per_second) {
    if (seconds_since(shown_) < 0.5 && step != steps_) return;
    shown_ = std::chrono::steady_clock::now();
    const auto all = static_cast<double>(trainings_) * static_cast<double>(steps_);
    const double done = static_cast<double>(training) * static_cast<double>(steps_) + static_cast<double>(step);
    const int left = static_cast<int>(seconds_since(begun_) * (all / done - 1));
    std::fprintf(stderr, "\rtraining %zu of %zu, step %llu of %llu, loss %.3f, %.0f tokens/s, %d:%02d left   ",
                 training + 1, trainings_, static_cast<unsigned long long>(step),
                 static_cast<unsigned long long>(steps_), loss, tokens_per_second, left / 60, left % 60);
  }

 private:
  std::size_t trainings_;
  std::uint64_t steps_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), shown_ = begun_;
};
}  // namespace

trained_space train_all(const training_request& asked) {
  const auto parts = lc::task::split_text(asked.tokens);
  const lessons from{unless_wrong(text::try_make(parts.training)), unless_wrong(text::try_make(parts.validation))};
  const school of;
  team threads(asked.threads);
  trained_space all;
  all.steps = asked.minutes > 0 ? steps_that_fit(asked, of, from, threads) : asked.steps;
  std::fprintf(stderr, "\r%zu trainings of %llu steps (--steps %llu makes the same ones)%-20s\n",
               of.pupils.size() * static_cast<std::size_t>(asked.seeds), static_cast<unsigned long long>(all.steps),
               static_cast<unsigned long long>(all.steps), "");

  const auto rate = lc::warm_up(numbers.warm_up_share, lc::cosine_schedule{numbers.rate, numbers.last_rate});
  progress_line line(of.pupils.size() * static_cast<std::size_t>(asked.seeds), all.steps);
  std::vector<trained_variant> taught(of.pupils.size());
  std::size_t training = 0;
  for (std::size_t at = 0; at < taught.size(); ++at) {
    const auto& pupil = of.pupils[at];
    double seconds = 0, tokens = 0;
    for (std::uint64_t seed = 0; seed < asked.seeds; ++seed, ++training) {
      const auto student = pupil.enrol(from, asked.seed + seed, threads);
      for (std::uint64_t step = 0; step < all.steps; ++step) {
        const auto start = std::chrono::steady_clock::now();
        const double share = static_cast<double>(step + 1) / static_cast<double>(all.steps);
        const double loss = loss_or_stop(pupil, student->learn(step, rate(share)));
        seconds += seconds_since(start), tokens += static_cast<double>(numbers.batch * text::length);
        line.show(training, step + 1, loss, tokens / seconds);
      }
      taught[at].losses.push_back(loss_or_stop(pupil, student->measure(from.held_out.windows())));
    }
    taught[at].tokens_per_second = tokens / seconds;
  }
  for (const std::size_t at : of.pupil_of_variant) all.variants.push_back(taught[at]);
  return all;
}

}  // namespace studied
