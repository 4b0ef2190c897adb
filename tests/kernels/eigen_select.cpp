// Selections by score by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/select_comparison.hpp"

#include <lacuna/with_eigen.hpp>

namespace {
namespace lc = lacuna;
using namespace select_tests;
}  // namespace

TEST_CASE("the keys of highest score") {
  compare<lc::eigen, double, lc::top_k<7>, 16>();
  compare<lc::eigen, double, lc::top_k<4, lc::full>, 5, rising_bias>();
  compare<lc::eigen, float, lc::top_k<16, lc::full>, 13>();
}
#endif
