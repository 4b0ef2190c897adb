// Sources of keys and values on the SIMD backend against the reference: logits and gradients of a model that has all.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <lacuna/with_simd.hpp>
#include <limits>
#include <memory>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t tokens = std::size(recipes::stream);

struct result {
  std::vector<double> logits, gradients;
};
template <class Backend>
result learn(bool after_another) {
  using model_type = lc::model<recipes::sources, lc::training, Backend>;
  auto model = std::make_unique<model_type>();
  if (after_another) {  // a stream that is no number leaves nothing behind
    for (auto& of : model->parameters_to_write().embedding.weight.data) of = std::numeric_limits<float>::quiet_NaN();
    model->update();
    REQUIRE(model->try_forward_to_learn({recipes::stream, tokens}).ok());
    for (auto& of : model->parameters_to_write().embedding.weight.data) of = 0;
  }
  recipes::randomise(*model, 71, 0.4);
  std::vector<float> adjoint(tokens * model_type::vocabulary);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
  const auto logits = *model->try_forward_to_learn({recipes::stream, tokens});
  result all;
  all.logits.assign(logits.data, logits.data + adjoint.size());
  REQUIRE(model->try_backward({recipes::stream, tokens}, {adjoint.data(), tokens}).ok());
  lc::visit_tensors([&](auto& of) { all.gradients.insert(all.gradients.end(), of.data, of.data + of.size); },
                    model->gradients_to_write());
  return all;
}
double apart(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::isnan(a[i] - b[i]) ? HUGE_VAL : std::max(most, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return most / largest;
}

}  // namespace

TEST_CASE("sources on simd: logits and gradients of the reference, whatever came before") {
  const auto expected = learn<lc::reference>(false), found = learn<lc::simd>(false), again = learn<lc::simd>(true);
  REQUIRE(found.gradients.size() == expected.gradients.size());
  CHECK(apart(found.logits, expected.logits) < 1e-5);
  CHECK(apart(found.gradients, expected.gradients) < 1e-4);
  CHECK((again.logits == found.logits));
  CHECK((again.gradients == found.gradients));
}
#endif
