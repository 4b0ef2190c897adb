// Attention through features by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/scan_comparison.hpp"

#include <lacuna/with_eigen.hpp>

namespace {
namespace lc = lacuna;
using namespace scan_tests;
}  // namespace

TEST_CASE("maps, head widths and groups of heads, f64") {
  compare<lc::eigen, double, lc::favor<21>, 4, 2, 10>();
  compare<lc::eigen, double, lc::hyperbolic_favor<22>, 2, 2, 7>();
  compare<lc::eigen, double, lc::relu_features, 6, 1, 5>();
}
TEST_CASE("the same in f32") {
  compare<lc::eigen, float, lc::favor<21>, 2, 1, 10>();
  compare<lc::eigen, float, squared_features, 2, 2, 9>();
}
#endif
