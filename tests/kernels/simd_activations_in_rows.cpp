// Activations that see whole rows, and mixtures of experts, on SIMD lanes and by Eigen, against the reference.
#if __has_include(<xsimd/xsimd.hpp>) && __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_eigen.hpp>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <vector>

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

template <class Recipe, class Backend>
auto learned() {
  auto model = std::make_unique<lc::model<Recipe, lc::training, Backend>>();
  recipes::randomise(*model, 6, 0.4);
  const lc::token_view tokens{recipes::stream, 19};
  const auto logits = *model->try_forward_to_learn(tokens);
  std::vector<float> all(logits.data, logits.data + 19 * 11), adjoint(19 * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
  REQUIRE(model->try_backward(tokens, {adjoint.data(), 19}).ok());
  lc::visit_tensors([&](const auto& of) { all.insert(all.end(), std::begin(of.data), std::end(of.data)); },
                    model->gradients_to_write());
  return all;
}

template <class Recipe, class Backend>
void check_model() {
  const auto expected = learned<Recipe, lc::reference>();
  const auto found = learned<Recipe, Backend>();
  REQUIRE(found.size() == expected.size());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::fmax(largest, std::fabs(static_cast<double>(expected[i])));
    difference = worse(difference, std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  }
  CHECK(difference <= 1e-5 * largest);
}

}  // namespace

TEST_CASE("the largest of rows on both vectorised backends") {
  check_selection(lc::simd{});
  check_selection(lc::eigen{});
}
TEST_CASE("a model of row activations, and one of mixtures, on SIMD lanes") {
  check_model<recipes::rows, lc::simd>();
  check_model<recipes::mixtures, lc::simd>();
}
#endif
