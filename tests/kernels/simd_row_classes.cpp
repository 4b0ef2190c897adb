// Rows of two kinds on SIMD lanes against the reference: the same logits and gradients.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

/// Logits, then the gradients of their sum with given weights.
template <class Backend>
std::vector<double> learned() {
  using model_type = lc::model<recipes::row_classes, lc::training, Backend>;
  auto model = std::make_unique<model_type>();
  recipes::randomise(*model, 8, 0.4);
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  const auto logits = *model->try_forward_to_learn(tokens);
  std::vector<double> all(logits.data, logits.data + tokens.count * model_type::vocabulary);
  std::vector<float> adjoint(all.size());
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
  model->clear_gradients();
  REQUIRE(model->try_backward(tokens, lc::rows<float, model_type::vocabulary>{adjoint.data(), tokens.count}).ok());
  lc::visit_tensors([&](auto& of) { all.insert(all.end(), std::begin(of.data), std::end(of.data)); },
                    model->gradients_to_write());
  return all;
}

}  // namespace

TEST_CASE("two kinds of rows on lanes are those of the reference") {
  const auto expected = learned<lc::reference>(), found = learned<lc::simd>();
  REQUIRE(expected.size() == found.size());
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    worst = worse(worst, std::abs(expected[i] - found[i]) / (1 + std::abs(expected[i])));
  CHECK(worst < 2e-5);
}
#endif
