// Losses and their gradients against an independent implementation: tests/reference/losses.py, which states the
// numbers, the format of the file and the tolerance.
#include "support/hashed_number.hpp"
#include "support/worse.hpp"

#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

struct drawn {
  std::uint32_t seed, counter = 0;
  double one() { return 4 * hashed_number(seed, counter++); }
};

/// One number after the other, each to a share of the largest of all.
struct comparison {
  double tolerance, largest = 0, difference = 0;
  void operator()(double found, double expected) {
    largest = std::fmax(largest, std::fabs(expected));
    difference = worse(difference, std::fabs(found - expected));
  }
  void done() const {
    CHECK(largest > 1e-3);
    CHECK(difference <= tolerance * largest);
  }
};

/// Reads the next case, evaluates `loss(predicted, target, adjoint, dtarget)` on its numbers and compares.
template <class Value, lc::extent_t Rows, lc::extent_t Columns, lc::extent_t TargetColumns, class Loss>
void check_loss(std::ifstream& file, const std::string& name, std::uint32_t seed, bool both, Loss&& loss) {
  CAPTURE(name);
  std::string found;
  std::size_t of_file[4]{};
  file >> found >> of_file[0] >> of_file[1] >> of_file[2] >> of_file[3];
  REQUIRE(found == name);
  REQUIRE(of_file[0] == seed);
  REQUIRE(of_file[1] == Rows);
  REQUIRE(of_file[2] == Columns);
  REQUIRE(of_file[3] == TargetColumns);

  lc::tensor<Value, Rows, Columns> x, dx;
  lc::tensor<Value, Rows, TargetColumns> y, dy;
  drawn numbers{seed};
  for (Value& of : x.data) of = static_cast<Value>(numbers.one());
  for (Value& of : y.data) of = static_cast<Value>(numbers.one());
  const double value = loss(x.view(), y.view(), dx.view(), dy.view());

  const double tolerance = lc::same<Value, float> ? 1e-5 : 1e-10;
  const auto next = [&] {
    double number = 0;
    file >> number;
    REQUIRE(file.good());
    return number;
  };
  comparison values{tolerance}, gradients{tolerance};
  values(value, next());
  for (const Value of : dx.data) gradients(static_cast<double>(of), next());
  if (both)
    for (const Value of : dy.data) gradients(static_cast<double>(of), next());
  values.done();
  gradients.done();
}

template <class Value>
void check_all() {
  std::ifstream file{LACUNA_REPOSITORY "/tests/reference/losses.txt"};
  const auto softened_target = [](double temperature) {
    return [=](auto x, auto y, auto dx, auto) {
      lc::soften(y, y, temperature);
      return lc::soft_cross_entropy{temperature}(x, y, dx);
    };
  };
  check_loss<Value, 5, 7, 7>(file, "soft_cross_entropy", 1, false, softened_target(1));
  check_loss<Value, 5, 7, 7>(file, "soft_cross_entropy_warm", 2, false, softened_target(2.5));
  const auto divergence = [](double temperature) {
    return [=](auto x, auto y, auto dx, auto) { return lc::kl_divergence{temperature}(x, y, dx); };
  };
  check_loss<Value, 4, 9, 9>(file, "kl_divergence", 3, false, divergence(1));
  check_loss<Value, 4, 9, 9>(file, "kl_divergence_warm", 4, false, divergence(3));
  check_loss<Value, 6, 5, 5>(file, "mean_squared_error", 5, false,
                             [](auto x, auto y, auto dx, auto) { return lc::mean_squared_error(x, y, dx); });
  check_loss<Value, 6, 5, 5>(file, "square_head", 6, false,
                             [](auto x, auto y, auto dx, auto) { return lc::square_head{}(x, y, dx); });
  lc::info_nce_workspace<6> pairs;
  check_loss<Value, 6, 4, 4>(file, "info_nce", 7, false,
                             [&](auto x, auto y, auto dx, auto) { return lc::info_nce{}(x, y, dx, pairs); });
  check_loss<Value, 6, 4, 4>(file, "info_nce_dot", 8, false, [&](auto x, auto y, auto dx, auto) {
    return lc::info_nce{.temperature = 1, .cosine = false}(x, y, dx, pairs);
  });
  check_loss<Value, 6, 4, 4>(file, "info_nce_both", 9, true, [&](auto x, auto y, auto dx, auto dy) {
    return lc::info_nce{.temperature = 0.5}(x, y, dx, dy, pairs);
  });
  check_loss<Value, 6, 5, 5>(file, "density_penalty", 10, false,
                             [](auto x, auto, auto dx, auto) { return lc::density_penalty{0.04}(x, dx); });
  lc::alignment_workspace<8> products;
  check_loss<Value, 8, 5, 3>(file, "alignment", 11, false,
                             [&](auto x, auto y, auto dx, auto) { return lc::alignment{}(x, y, dx, products); });
  check_loss<Value, 8, 5, 3>(file, "alignment_biased", 12, false, [&](auto x, auto y, auto dx, auto) {
    return lc::alignment{lc::hsic_estimate::biased}(x, y, dx, products);
  });
}

}  // namespace

TEST_CASE("losses and their gradients are those of an independent implementation") {
  check_all<double>();
  check_all<float>();
}
