// Sources of known entropy, and what a model has of it: the identities of the study of low entropy.
#include <doctest/doctest.h>

#include <cmath>
#include <lacuna/lacuna.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

constexpr lc::task::sequence_sizes sizes{.symbols = 4, .length = 6};
using chain = lc::task::markov_source<sizes, 2>;
using table = lc::task::enumerated<sizes>;
using recipe = lc::decoder<
    lc::vocabulary<chain::vocabulary>, lc::width<8>, lc::context<chain::length>, lc::learned_position,
    lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<1>, lc::causal>, lc::ffn<lc::hidden<16>, lc::relu>>,
    lc::linear_head<>>;
const chain source = chain::drawn(7);

template <class Outcome>
auto value_of(const Outcome& of) {
  REQUIRE_MESSAGE(of.ok(), of.why().message.c_str());
  return *of;
}
double relative(double of, double to) { return std::fabs(of / to - 1); }

/// A model of wide logits that has learnt nothing.
std::unique_ptr<lc::model<recipe, lc::f64>> drawn_model() {
  auto model = std::make_unique<lc::model<recipe, lc::f64>>();
  lc::draw_weights(*model, {.seed = 3, .deviation = 0.7});
  return model;
}

/// One symbol whose logits are divided by a temperature.
struct tempered {
  static constexpr lc::extent_t symbols = 5, length = 1;
  double temperature;
  lc::status try_conditionals(const std::uint32_t*, lc::rows<double, symbols> to) const {
    constexpr double logits[symbols]{0.3, -1.2, 2.0, 0.9, -0.4};
    double sum = 0;
    for (const double each : logits) sum += std::exp(each / temperature);
    for (lc::extent_t v = 0; v < symbols; ++v) to.data[v] = logits[v] / temperature - std::log(sum);
    return lc::nothing{};
  }
};

}  // namespace

TEST_CASE("a chain is a distribution, drawn by its seed") {
  CHECK(source.try_check().ok());
  double sum = 0;
  std::uint32_t sequence[6];
  for (lc::extent_t number = 0; number < table::count; ++number) {
    lc::task::write_sequence<sizes>(number, sequence);
    CHECK(lc::task::number_of_sequence<sizes>(sequence) == number);
    sum += std::exp(source.log_probability(sequence));
  }
  CHECK(std::fabs(sum - 1) < 1e-12);
  CHECK(chain::drawn(7).probabilities[20] == source.probabilities[20]);
  CHECK(chain::drawn(8).probabilities[20] != source.probabilities[20]);
  // The smaller the concentration, the less entropy: over some seeds, by far.
  double sharp = 0, flat = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    sharp += chain::drawn(seed, 0.1).entropy(), flat += chain::drawn(seed, 10).entropy();
  CHECK(sharp < 0.5 * flat);
  CHECK(flat < 20 * 6 * std::log(4));

  chain wrong = source;
  wrong.probabilities[5] += 0.25;
  CHECK(!wrong.try_check().ok());
  wrong.probabilities[5] = -1;
  CHECK(!wrong.try_check().ok());
}
TEST_CASE("Dirichlet's shares have the means and variances that they should have") {
  // Of 4 shares with concentration a: mean 1/4, variance (1/4)(3/4) / (4a + 1).
  using wide = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 4, .length = 5}, 5>;
  for (const double concentration : {0.3, 2.0}) {
    const auto drawn = std::make_unique<wide>(wide::drawn(5, concentration));
    double sum = 0, squares = 0;
    for (lc::extent_t row = 0; row < wide::contexts; ++row) {
      const double share = drawn->probabilities[4 * row];
      sum += share, squares += share * share;
    }
    const double count = wide::contexts, mean = sum / count, variance = squares / count - mean * mean;
    const double expected = 0.1875 / (4 * concentration + 1);
    CHECK(std::fabs(mean - 0.25) < 4 * std::sqrt(expected / count));
    CHECK(relative(variance, expected) < 0.1);
  }
}
TEST_CASE("closed form and enumeration agree (I4)") {
  const auto joint = std::make_unique<table>();
  joint->assign(source);
  CHECK(relative(joint->entropy(), source.entropy()) < 1e-12);
  using first_order = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 3, .length = 8}, 1>;
  using memoryless = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 6, .length = 3}, 0>;
  const auto check = [](const auto& of) {
    using type = std::remove_cvref_t<decltype(of)>;
    const auto all = std::make_unique<lc::task::enumerated<type::sizes>>();
    all->assign(of);
    CHECK(relative(all->entropy(), of.entropy()) < 1e-12);
  };
  check(first_order::drawn(2));
  check(memoryless::drawn(3, 0.8));
  CHECK(relative(
            memoryless::drawn(4).entropy(),
            3 * lc::task::markov_source<lc::task::sequence_sizes{.symbols = 6, .length = 1}, 0>::drawn(4).entropy()) <
        1e-12);
}
TEST_CASE("a model's entropies by enumeration (I1, I2, I3, I5)") {
  const auto model = drawn_model();
  const auto of = value_of(lc::try_report_entropy(source, lc::conditionals_of<4, 6>(*model)));
  CHECK(std::fabs(of.total - 1) < 1e-12);
  CHECK(relative(of.source_entropy, source.entropy()) < 1e-12);
  CHECK(relative(of.cross_entropy, of.source_entropy + of.divergence) < 1e-12);
  CHECK(relative(of.chain_entropy, of.model_entropy) < 1e-12);
  CHECK(of.divergence > 0.1);
  CHECK(of.reverse_divergence > 0.1);
  CHECK(of.model_entropy > 1);
  CHECK(of.model_entropy < 6 * std::log(4) - 0.1);

  // The source as its own model, and as a table.
  const auto itself = value_of(lc::try_report_entropy(source, source));
  CHECK(std::fabs(itself.divergence) < 1e-12);
  CHECK(std::fabs(itself.reverse_divergence) < 1e-12);
  CHECK(relative(itself.model_entropy, source.entropy()) < 1e-12);
  const auto joint = std::make_unique<table>();
  joint->assign(source);
  CHECK(std::fabs(value_of(lc::try_report_entropy(*joint, source)).divergence) < 1e-12);
}
TEST_CASE("temperature lowers the entropy of one symbol (I6)") {
  using one = lc::task::markov_source<lc::task::sequence_sizes{.symbols = 5, .length = 1}, 0>;
  const one any = one::drawn(1);
  double before = HUGE_VAL;
  for (const double temperature : {1.0, 0.8, 0.6, 0.4, 0.2, 0.1}) {
    const double entropy = value_of(lc::try_report_entropy(any, tempered{temperature})).model_entropy;
    CHECK(entropy < before);
    before = entropy;
  }
}
TEST_CASE("a finite sample has less entropy than its source (I7)") {
  constexpr lc::task::sequence_sizes few{.symbols = 3, .length = 3};
  const auto of = lc::task::markov_source<few, 2>::drawn(4, 3);
  const auto seen = std::make_unique<lc::task::empirical<few>>();
  double bias = 0;
  constexpr int trials = 200, samples = 1000;
  for (std::uint64_t trial = 0; trial < trials; ++trial) {
    *seen = {};
    seen->add(of, trial, 0, samples);
    bias += of.entropy() - seen->entropy();
  }
  // Miller and Madow: 26 / (2 * 1000) = 0.013; the mean of the trials has a standard error of about 0.0012.
  CHECK(std::fabs(bias / trials - 26.0 / (2 * samples)) < 0.005);
  *seen = {};
  seen->add(of, 1, 0, 12);
  CHECK(seen->entropy() <= std::log(12.0) + 1e-12);
  CHECK(seen->samples == 12);
}
TEST_CASE("samples have the frequencies of the source, from chain and table") {
  const auto joint = std::make_unique<table>();
  joint->assign(source);
  const auto from_chain = std::make_unique<lc::task::empirical<sizes>>();
  const auto from_table = std::make_unique<lc::task::empirical<sizes>>();
  constexpr std::uint64_t samples = 40000;
  from_chain->add(source, 1, 0, samples);
  from_table->add(*joint, 1, 0, samples);
  for (lc::extent_t number = 0; number < table::count; ++number) {
    const double p = std::exp(joint->log_probabilities[number]), spread = std::sqrt(samples * p * (1 - p)) + 1;
    CHECK(std::fabs(from_chain->times[number] - samples * p) < 6 * spread);
    CHECK(std::fabs(from_table->times[number] - samples * p) < 6 * spread);
  }
  chain::example example;
  source.sample(1, 5, example);
  CHECK(example.tokens[0] == chain::begin);
  for (lc::extent_t t = 0; t < 6; ++t) {
    CHECK(example.counts[t] == 1);
    if (t > 0) CHECK(example.tokens[t] == example.targets[t - 1]);
  }
}
TEST_CASE("estimates by samples agree with enumeration, within their errors") {
  const auto model = drawn_model();
  const auto exact = value_of(lc::try_report_entropy(source, lc::conditionals_of<4, 6>(*model)));
  const auto estimate = value_of(lc::try_estimate_entropy(lc::conditionals_of<4, 6>(*model), 2000, 9));
  CHECK(estimate.error > 0);
  CHECK(estimate.error < 0.05);
  CHECK(std::fabs(estimate.mean - exact.model_entropy) < 4 * estimate.error);
  const auto taught = value_of(lc::try_report_teacher_forced(source, lc::conditionals_of<4, 6>(*model), 2000, 9));
  CHECK(std::fabs(taught.cross_entropy.mean - exact.cross_entropy) < 4 * taught.cross_entropy.error);
  // Along the source's sequences the model's conditional entropies are no H(q).
  CHECK(std::fabs(taught.entropy.mean - exact.model_entropy) > 4 * taught.entropy.error);
  CHECK(!lc::try_estimate_entropy(lc::conditionals_of<4, 6>(*model), 0, 9).ok());

  model->parameters_to_write().embedding.weight[3] = std::nan("");
  model->update();
  const auto broken = lc::try_report_entropy(source, lc::conditionals_of<4, 6>(*model));
  REQUIRE(!broken.ok());
  CHECK(std::string(broken.why().message.c_str()).find("expected finite logits") != std::string::npos);
}
