// Attention along edges by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/edges_comparison.hpp"
#include "support/eigen_without_heap.hpp"

#include <lacuna/with_eigen.hpp>

namespace lc = lacuna;

TEST_CASE("edges, f64") {
  edge_tests::compare<lc::eigen, double, lc::softmax, 4, 2, 5>();
  edge_tests::compare<lc::eigen, double, lc::softmax1, 2, 1, 16>();
}
TEST_CASE("edges, f32") {
  edge_tests::compare<lc::eigen, float, lc::clamped_softmax<lc::score_limit{0.3f}>, 2, 1, 19>();
}
#endif
