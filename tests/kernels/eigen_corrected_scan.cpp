// Features with exact scores in their place by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/corrected_comparison.hpp"
#include "support/eigen_without_heap.hpp"

#include <lacuna/with_eigen.hpp>

namespace lc = lacuna;

TEST_CASE("features, corrected, f64") {
  corrected_tests::compare<lc::eigen, double, lc::favor<21>, 4, 2, 10>();
  corrected_tests::compare<lc::eigen, double, lc::relu_features, 2, 1, 18>();
}
TEST_CASE("the same in f32") { corrected_tests::compare<lc::eigen, float, lc::hyperbolic_favor<22>, 2, 2, 7>(); }
#endif
