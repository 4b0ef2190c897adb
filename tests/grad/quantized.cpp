// Gradients through weights of eight bits, against central differences in f64: of scales, and of what stands before.
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of models with quantised weights") {
  for (const std::uint64_t seed : {1u, 2u, 5u}) {
    const auto report = check_gradients<recipes::quantized>(seed, linear_loss);
    const auto worst = worst_of(report);
    INFO(seed << ", " << worst.path << ": largest gradient " << worst.largest << ", relative difference "
              << worst.difference);
    CHECK(worst.difference <= 1e-6);
    for (const auto& of : report) {
      INFO(of.path);
      CHECK(of.largest > 0);
      CHECK(of.path.find("attention.query.weight") == std::string::npos);  // integers have none
    }
  }
}
