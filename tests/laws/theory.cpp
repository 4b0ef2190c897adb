// Mixtures of predictors, scaling laws, spectra: against closed forms.
#include <doctest/doctest.h>

#include <cmath>
#include <lacuna/lacuna.hpp>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// L(x) = floor + (unit / x)^exponent at `count` sizes, times 1 + noise * a normal number above the floor.
std::vector<double> losses_at(const std::vector<double>& sizes, const lc::power_law& law, double noise = 0,
                              std::uint64_t seed = 0) {
  std::vector<double> made;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    made.push_back(law.floor + (law(sizes[i]) - law.floor) * (1 + noise * lc::random_normal(seed, 0, i)));
  return made;
}
const std::vector<double> decades{100, 320, 1000, 3200, 10000, 32000, 100000};

}  // namespace

TEST_CASE("a scaling law is found again: to 1e-6 from its own values, to a tenth from noisy ones") {
  const lc::power_law laws[]{
      {4.3171, 900, 0.34, 0}, {0.02, 3, 0.05, 0}, {1e-3, 1e9, 1.2, 0}, {0, 40, 0.5, 0}, {120, 5e3, 2, 0}};
  for (const auto& law : laws) {
    const auto found = lc::try_fit_power_law(decades.data(), losses_at(decades, law).data(), decades.size()).take();
    const double scale = law(decades.front());
    CHECK(std::fabs(found.floor - law.floor) < 1e-6 * scale);
    CHECK(std::fabs(found.exponent - law.exponent) < 1e-6 * law.exponent);
    CHECK(std::fabs(std::log(found.unit / law.unit)) < 1e-5);
    CHECK(found.error < 1e-6);
    CHECK(std::fabs(found(500) - law(500)) < 1e-6 * scale);
  }
  // One point in a hundred's noise: the catalogue's tolerance, over 20 draws.
  const lc::power_law law{2, 300, 0.4, 0};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto found =
        lc::try_fit_power_law(decades.data(), losses_at(decades, law, 0.01, seed).data(), decades.size()).take();
    CHECK(std::fabs(found.floor - law.floor) < 0.1 * law.floor);
    CHECK(std::fabs(found.exponent - law.exponent) < 0.1 * law.exponent);
    CHECK(found.error > 1e-4);
    CHECK(found.error < 0.03);
  }
  // Points come in any order, and units do not matter.
  const std::vector<double> turned{1e5, 100, 3200, 1000, 320};
  const auto found = lc::try_fit_power_law(turned.data(), losses_at(turned, law).data(), turned.size()).take();
  CHECK(std::fabs(found.exponent - law.exponent) < 1e-6);
}
TEST_CASE("a scaling law that no points have is refused") {
  const auto refuses = [](std::vector<double> x, std::vector<double> loss, const char* what) {
    const auto found = lc::try_fit_power_law(x.data(), loss.data(), x.size());
    REQUIRE(!found.ok());
    CHECK(std::string(found.why().message.c_str()).find(what) != std::string::npos);
  };
  refuses({1, 2, 3}, {3, 2, 1}, "expected 4 points or more, found 3");
  refuses({1, 2, 0, 4}, {4, 3, 2, 1}, "point 2: expected a positive size and a finite loss, found 0 and 2");
  refuses({1, 2, 3, 4}, {4, std::nan(""), 2, 1}, "point 1: expected a positive size and a finite loss");
  refuses({1, 2, 3, 4}, {2, 2, 2, 2}, "sizes and losses that differ");
  refuses({5, 5, 5, 5}, {4, 3, 2, 1}, "sizes and losses that differ");
  refuses({1, 2, 3, 4}, {4 + 3e-9, 4 + 2e-9, 4 + 1e-9, 4}, "sizes and losses that differ");
  // What rises, falls ever faster, or by one step has no floor that fits best.
  refuses({1, 2, 3, 4}, {1, 2, 3, 4}, "found no floor that fits best");
  refuses({1, 10, 100, 1000}, {4, 3, 2, 1}, "found no floor that fits best");
  refuses({1, 10, 100, 1000, 10000}, {5, 4.9, 4.5, 3.5, 1}, "found no floor that fits best");
  refuses({1, 10, 100, 1000, 10000}, {4, 3, 2, 2.5, 2.4}, "found no floor that fits best");
  // A step has one, of which its error says enough.
  const double x[]{1, 10, 100, 1000}, step[]{4, 4, 4, 1};
  CHECK(lc::try_fit_power_law(x, step, 4)->error > 0.5);
}
TEST_CASE("a mixture is the average of its members' probabilities, and never loses more than its prior says") {
  // Three coins, every sequence of 10 tosses.
  constexpr double heads[]{0.1, 0.5, 0.95};
  const double weights[]{1, 2, 5};
  double all = 0;
  for (unsigned sequence = 0; sequence < 1024; ++sequence) {
    lc::mixture_log_loss<3> even, uneven(weights);
    double probability[]{1, 1, 1}, sum = 0, of_steps = 0;
    for (int t = 0; t < 10; ++t) {
      double logs[3];
      for (int k = 0; k < 3; ++k) {
        const double p = (sequence >> t & 1u) != 0 ? heads[k] : 1 - heads[k];
        probability[k] *= p, logs[k] = std::log(p);
      }
      of_steps += even.add(logs);
      uneven.add(logs);
    }
    const double mean = (probability[0] + probability[1] + probability[2]) / 3;
    const double other = (probability[0] + 2 * probability[1] + 5 * probability[2]) / 8;
    CHECK(std::fabs(even.loss() + std::log(mean)) < 1e-12);
    CHECK(std::fabs(uneven.loss() + std::log(other)) < 1e-12);
    CHECK(std::fabs(of_steps + even.loss()) < 1e-12);
    for (lc::extent_t k = 0; k < 3; ++k) {
      CHECK(std::fabs(even.loss(k) + std::log(probability[k])) < 1e-12);
      CHECK(std::fabs(even.weight(k) - probability[k] / (3 * mean)) < 1e-12);
      CHECK(even.loss(even.best()) <= even.loss(k));
      CHECK(uneven.loss() <= uneven.loss(k) - std::log(weights[k] / 8) + 1e-12);
      sum += even.weight(k);
    }
    CHECK(std::fabs(sum - 1) < 1e-12);
    CHECK(even.loss() <= even.loss(even.best()) + std::log(3.0) + 1e-12);
    all += std::exp(-even.loss());
  }
  CHECK(std::fabs(all - 1) < 1e-12);
}
TEST_CASE("who gave probability 0 is out of a mixture") {
  constexpr double never = -HUGE_VAL;
  lc::mixture_log_loss<2> mixture;
  CHECK(std::fabs(mixture.add({never, std::log(0.5)}) - std::log(0.25)) < 1e-12);
  CHECK(mixture.weight(0) == 0);
  CHECK(std::fabs(mixture.add({0, std::log(0.5)}) - std::log(0.5)) < 1e-12);
  CHECK(mixture.best() == 1);
  // Nobody expected it: probability 0, and no number becomes NaN.
  CHECK(mixture.add({0, never}) == never);
  CHECK(mixture.loss() == HUGE_VAL);
  CHECK(mixture.add({0, 0}) == never);
  CHECK(mixture.weight(0) == 0);
}
