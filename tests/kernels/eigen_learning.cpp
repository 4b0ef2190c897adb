// Losses and optimisers' steps by Eigen against the reference.
#if __has_include(<Eigen/Core>)
#include "support/learning_comparison.hpp"

#include <lacuna/with_eigen.hpp>

using namespace learning_tests;

TEST_CASE("steps on all lengths, wherever they begin") {
  for (std::size_t size = 0; size < 2 * lc::eigen_lanes::lanes<float>::lane_count + 2; ++size)
    for (const std::size_t shift : {0u, 1u}) {
      compare_flat<lc::eigen, float>(size, shift);
      compare_flat<lc::eigen, double>(size, shift);
    }
  compare_flat<lc::eigen, double>(1000, 0);
}
TEST_CASE("cross-entropy of vocabularies around the lanes") {
  compare_vocabularies<lc::eigen, float>(std::make_index_sequence<9>{});
  compare_vocabularies<lc::eigen, double>(std::make_index_sequence<9>{});
  compare_cross_entropy<lc::eigen, double, 65>();
}
#endif
