// Products of sparse weights by Eigen against the reference, f32 and f64.
#if __has_include(<Eigen/Core>)
#include "support/blocks_comparison.hpp"
#include "support/eigen_without_heap.hpp"

#include <lacuna/with_eigen.hpp>

namespace {
namespace lc = lacuna;
using namespace blocks_comparison;

template <class Element, class Pattern>
void agree_on() {
  agree_for_all_tokens<lc::eigen, Element, Pattern>();
}

}  // namespace

TEST_CASE("single entries, blocks and groups, f32") {
  agree_on<float, anywhere<19, 37, 1, 1>>();
  agree_on<float, anywhere<21, 23, 4, 2>>();
  agree_on<float, anywhere<35, 20, 16, 1>>();
  agree_on<float, lc::grouped_blocks<13, 20, 1, 2, 4>>();
}
TEST_CASE("the same in f64") {
  agree_on<double, anywhere<13, 37, 1, 1>>();
  agree_on<double, anywhere<21, 23, 3, 1>>();
  agree_on<double, anywhere<18, 21, 8, 2>>();
  agree_on<double, anywhere<11, 4300, 1, 1>>();
}
TEST_CASE("weights of 16 bits") {
  agree_on<lc::bfloat16, anywhere<19, 37, 4, 1>>();
  agree_on<lc::float16, anywhere<19, 37, 16, 1>>();
}
#endif
