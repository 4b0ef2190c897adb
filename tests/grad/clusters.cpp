// Gradients of models whose tokens see their clusters, against central differences: every parameter, f64.
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients within clusters; centroids have none") {
  const auto report = check_gradients<recipes::clusters>(61, linear_loss);
  CHECK(report.size() > 5);
  const auto worst = worst_of(report);
  INFO(worst.path << ": largest gradient " << worst.largest << ", relative difference " << worst.difference);
  CHECK(worst.difference <= 1e-6);
  std::size_t centroids = 0;
  for (const auto& of : report)
    if (of.path.find("centroids") != std::string::npos) {
      ++centroids;
      CHECK(of.largest == 0);
      CHECK(of.difference == 0);
    }
  CHECK(centroids == 4);
}
