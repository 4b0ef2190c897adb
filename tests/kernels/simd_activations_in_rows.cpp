// Activations that see whole rows, and mixtures of experts, on SIMD lanes and by Eigen, against the reference.
#if __has_include(<xsimd/xsimd.hpp>) && __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/model_comparison.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_eigen.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

/// Rows of 37 numbers, of which the k largest magnitudes of an expression stay.
template <class Backend>
void check_selection(const Backend& backend) {
  constexpr lc::extent_t columns = 37, tokens = 4;
  auto x = std::make_unique<lc::tensor<float, tokens, columns>>();
  auto expected = std::make_unique<lc::tensor<float, tokens, columns>>();
  auto found = std::make_unique<lc::tensor<float, tokens, columns>>();
  for (lc::extent_t i = 0; i < x->size; ++i) (*x)[i] = static_cast<float>(lc::random_normal(3, 9, i));
  for (const lc::extent_t kept : {1u, 5u, 16u, 36u, 37u}) {
    const auto node = lc::map<lc::silu>(x->view()) * x->view();
    lc::op::keep_largest(expected->view(), node, kept, lc::reference{});
    const auto ran = lc::op::keep_largest(found->view(), node, kept, backend);
    static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
    for (lc::extent_t i = 0; i < x->size; ++i) {
      CHECK(((*found)[i] == 0) == ((*expected)[i] == 0));
      CHECK(std::fabs((*found)[i] - (*expected)[i]) <= 3e-6f * (1 + std::fabs((*expected)[i])));
    }
  }
}

}  // namespace

TEST_CASE("the largest of rows on both vectorised backends") {
  check_selection(lc::simd{});
  check_selection(lc::eigen{});
}
TEST_CASE("a model of row activations, and one of mixtures, on SIMD lanes") {
  model_comparison::check<recipes::rows, lc::simd>("rows", 5e-5);
  model_comparison::check<recipes::mixtures, lc::simd>("mixtures");
}
#endif
