// A scaling law whose end is known: L(N) = floor + (N0 / N)^alpha of decoders of 300 to 30,000 parameters, where the
// floor should be the entropy of the source, which no data set of text tells (Henighan et al. 2020, arXiv 2010.14701).
// The source gives a symbol after every pair of symbols; models learn from its probabilities themselves, so that no
// sampling is in it.
//   18_scaling_law [--steps STEPS] [--seed SEED]     exits with 1 if the fitted floor is off by more than 3 %, or by
//                                                more than the largest model is above the entropy
#include "../support/fast.hpp"
#include "../support/options.hpp"
#include "../support/stop.hpp"
#include "../support/team.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;
using examples::unless_wrong;

constexpr lc::extent_t symbols = 24, pairs = symbols * symbols;
/// More than the models can hold, in parts of falling weight: logits of c after (a, b) are the sum over parts k of
/// k^(-3/2) u_k(a) v_k(b) w_k(c), times a factor that makes their variance 9.
constexpr lc::extent_t parts = 128;
constexpr double decay = 1.5, deviation = 3;

struct pair_source {
  lc::tensor<float, pairs, symbols> probability;
  double entropy = 0;  ///< of the third symbol, both before it known and equally likely: nats

  explicit pair_source(std::uint64_t seed) {
    std::vector<double> weight(parts);
    double squares = 0;
    for (lc::extent_t k = 0; k < parts; ++k) {
      weight[k] = std::pow(static_cast<double>(k + 1), -decay);
      squares += weight[k] * weight[k];
    }
    const auto factor = [&](std::uint64_t which, lc::extent_t k, lc::extent_t symbol) {
      return lc::random_normal(seed, which, k * symbols + symbol);
    };
    for (lc::extent_t pair = 0; pair < pairs; ++pair) {
      double logits[symbols]{}, sum = 0;
      for (lc::extent_t k = 0; k < parts; ++k) {
        const double both =
            deviation / std::sqrt(squares) * weight[k] * factor(0, k, pair / symbols) * factor(1, k, pair % symbols);
        for (lc::extent_t c = 0; c < symbols; ++c) logits[c] += both * factor(2, k, c);
      }
      for (double& each : logits) sum += each = std::exp(each);
      for (lc::extent_t c = 0; c < symbols; ++c) {
        const auto p = static_cast<float>(logits[c] / sum);
        probability[pair * symbols + c] = p;
        if (p > 0) entropy -= static_cast<double>(p) * std::log(static_cast<double>(p)) / static_cast<double>(pairs);
      }
    }
  }
};

template <lc::extent_t Width>
using recipe = lc::decoder<lc::vocabulary<symbols>, lc::width<Width>, lc::context<2>, lc::learned_position,
                           lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<1>, lc::causal>,
                                        lc::ffn<lc::hidden<4 * Width>, lc::relu, lc::bias>>,
                           lc::linear_head<>>;

struct point {
  double parameters = 0, loss = 0, divergence = 0;
};

/// The loss in nats of the third symbol, over all pairs, when training has ended.
template <lc::extent_t Width>
point train(const pair_source& source, std::uint64_t steps, examples::team& team) {
  using model_type = lc::model<recipe<Width>, examples::fast>;
  const auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = 1, .deviation = 0.05, .residual_deviation = 0.05});
  using trainer_type = lc::trainer<model_type, lc::adam_w, lc::parts<4>, examples::team>;
  const auto teacher =
      std::make_unique<trainer_type>(*model, lc::adam_w{.weight_decay = 0}, lc::trainer_options{}, team);
  const auto lesson = [&](auto& by, lc::extent_t pair) -> lc::outcome<lc::lesson_result> {
    const std::uint32_t tokens[]{static_cast<std::uint32_t>(pair / symbols),
                                 static_cast<std::uint32_t>(pair % symbols)};
    const auto logits = by.model.try_forward_to_learn({tokens, 2});
    if (!logits.ok()) return logits.why();
    const auto adjoint = by.adjoint.first(2);
    adjoint.fill(0);
    const double loss =
        lc::soft_cross_entropy{}(logits->slice(1, 1), source.probability.view().slice(pair, 1), adjoint.slice(1, 1));
    const auto learnt = by.model.try_backward({tokens, 2}, readable(adjoint), 1);
    if (!learnt.ok()) return learnt.why();
    return lc::lesson_result{loss, 1, model_type::bound::multiply_adds(0, 2, 2)};
  };
  const auto rate = lc::warm_up(0.05, lc::cosine_schedule{Width < 32 ? 1e-2 : 4e-3, 0});
  for (std::uint64_t step = 0; step < steps; ++step)
    unless_wrong(teacher->try_step(pairs, rate(static_cast<double>(step + 1) / static_cast<double>(steps)), lesson));

  // The loss by the library, and KL(p||q) from its logits in f64.
  point found{static_cast<double>(lc::parameter_count<recipe<Width>>), 0, 0};
  lc::tensor<float, 1, symbols> unused;
  for (lc::extent_t pair = 0; pair < pairs; ++pair) {
    const std::uint32_t tokens[]{static_cast<std::uint32_t>(pair / symbols),
                                 static_cast<std::uint32_t>(pair % symbols)};
    model->reset();
    const auto logits = unless_wrong(model->try_forward({tokens, 2}));
    const auto probability = source.probability.view().slice(pair, 1);
    found.loss += lc::soft_cross_entropy{}(logits, probability, unused.view()) / static_cast<double>(pairs);
    double q[symbols], sum = 0;
    for (lc::extent_t c = 0; c < symbols; ++c) sum += q[c] = std::exp(static_cast<double>(logits(0, c)));
    for (lc::extent_t c = 0; c < symbols; ++c)
      if (const auto p = static_cast<double>(probability(0, c)); p > 0)
        found.divergence += p * std::log(p / (q[c] / sum)) / static_cast<double>(pairs);
  }
  return found;
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t steps = 800, seed = 1;  // of each training; of the source
  const option options[]{{"steps", required_argument, nullptr, 't'}, {"seed", required_argument, nullptr, 's'}, {}};
  for (int option; (option = getopt_long(count, arguments, "", options, nullptr)) != -1;) {
    if (option == '?') return 2;
    const bool of_steps = option == 't';
    (of_steps ? steps : seed) = static_cast<std::uint64_t>(
        examples::number_of("18_scaling_law", of_steps ? "steps" : "seed", of_steps ? 1 : 0, 1e6));
  }
  examples::refuse_words("18_scaling_law", count, arguments, "a number of steps is --steps STEPS");

  const auto source = std::make_unique<pair_source>(seed);
  examples::team team(2);
  std::vector<point> points;
  const auto add = [&]<lc::extent_t Width>() {
    points.push_back(train<Width>(*source, steps, team));
    std::fprintf(stderr, "width %zu: %.0f parameters, %.4f nats\n", Width, points.back().parameters,
                 points.back().loss);
  };
  add.operator()<3>(), add.operator()<5>(), add.operator()<8>(), add.operator()<13>(), add.operator()<24>(),
      add.operator()<48>();

  const auto fit_without = [&](std::size_t left_out) {
    std::vector<double> sizes, losses;
    for (std::size_t i = 0; i < points.size(); ++i)
      if (i != left_out) sizes.push_back(points[i].parameters), losses.push_back(points[i].loss);
    return lc::try_fit_power_law(sizes.data(), losses.data(), sizes.size());
  };
  const lc::power_law law = unless_wrong(fit_without(points.size()));
  double lowest = law.floor, highest = law.floor, identity = 0;
  std::printf("parameters    loss   KL(p||q)  the law\n");
  for (std::size_t i = 0; i < points.size(); ++i) {
    const point& of = points[i];
    std::printf("%10.0f  %6.4f  %8.4f   %6.4f\n", of.parameters, of.loss, of.divergence, law(of.parameters));
    identity = std::max(identity, std::fabs(of.loss - source->entropy - of.divergence));
    if (const auto fewer = fit_without(i); fewer.ok())
      lowest = std::min(lowest, fewer->floor), highest = std::max(highest, fewer->floor);
  }
  const double off = (law.floor - source->entropy) / source->entropy;
  std::printf("\nL(N) = %.4f + (%.0f / N)^%.3f, which leaves %.1f %% of the variance unexplained\n", law.floor,
              law.unit, law.exponent, 100 * law.error * law.error);
  std::printf("floor %.4f nats (%.4f to %.4f with a size left out), entropy of the source %.4f: off by %+.2f %%\n",
              law.floor, lowest, highest, source->entropy, 100 * off);
  std::printf("loss - entropy = KL(p||q) to %.1e\n", identity);
  double least = HUGE_VAL;
  for (const point& each : points) least = std::min(least, each.loss - source->entropy);
  const bool good = std::fabs(off) <= 0.03 && std::fabs(law.floor - source->entropy) < least && law.error < 0.2;
  return good && identity < 1e-5 ? 0 : 1;
}
