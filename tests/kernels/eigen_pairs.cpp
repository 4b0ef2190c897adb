// Attention through features pair by pair, and columns convolved over the rows, by Eigen against the reference.
#if __has_include(<Eigen/Core>)
#include "support/convolution_comparison.hpp"
#include "support/eigen_without_heap.hpp"
#include "support/pairs_comparison.hpp"

#include <lacuna/with_eigen.hpp>

namespace lc = lacuna;

TEST_CASE("pairs of features, f64") {
  pairs_tests::compare<lc::eigen, double, lc::favor<21>, 4, 2, 10>();
  pairs_tests::compare<lc::eigen, double, lc::relu_features, 2, 1, 18>();
}
TEST_CASE("the same in f32") { pairs_tests::compare<lc::eigen, float, lc::hyperbolic_favor<22>, 2, 2, 7>(); }
TEST_CASE("convolved columns, f64 and f32") {
  convolution_tests::compare<lc::eigen, double, 3>();
  convolution_tests::compare<lc::eigen, float, 5>();
}
#endif
