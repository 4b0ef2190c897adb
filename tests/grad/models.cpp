// Gradients of whole models against central differences: every parameter, f64.
#include "support/gradient_law.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients of a Llama-family model") {
  check<recipes::llama>(1, linear_loss);
  check<recipes::llama>(2, next_token_loss);
}
TEST_CASE("gradients of a GPT-family model") {
  check<recipes::gpt>(3, linear_loss);
  check<recipes::gpt>(4, next_token_loss);
}
TEST_CASE("gradients of a mixed stack") {
  check<recipes::mixed>(5, linear_loss);
  check<recipes::mixed>(6, next_token_loss);
}
TEST_CASE("gradients accumulate over calls and clear to zero") {
  namespace lc = lacuna;
  auto model = std::make_unique<lc::model<recipes::llama, lc::f64, lc::training>>();
  recipes::randomise(*model, 9, 0.4);
  const lc::token_view tokens{recipes::stream, 12};
  std::vector<double> adjoint(12 * 11, 0.25);
  const lc::rows<const double, 11> view{adjoint.data(), 12};
  REQUIRE(model->try_forward_to_learn(tokens).ok());
  REQUIRE(model->try_backward(tokens, view).ok());
  const double once = model->gradients_to_write().embedding.weight[9];
  CHECK(once != 0);
  REQUIRE(model->try_backward(tokens, view).ok());
  CHECK(model->gradients_to_write().embedding.weight[9] == doctest::Approx(2 * once).epsilon(1e-12));
  model->clear_gradients();
  lc::visit_tensors(
      [](auto& gradient) {
        for (double of : gradient.data) REQUIRE(of == 0);
      },
      model->gradients_to_write());
}
TEST_CASE("backward refuses what forward has not seen") {
  namespace lc = lacuna;
  auto model = std::make_unique<lc::model<recipes::llama, lc::f64, lc::training>>();
  std::vector<double> adjoint(12 * 11);
  const auto before = model->try_backward({recipes::stream, 12}, {adjoint.data(), 12});
  CHECK(!before.ok());
  REQUIRE(model->try_forward_to_learn({recipes::stream, 12}).ok());
  const auto other = model->try_backward({recipes::stream, 11}, {adjoint.data(), 11});
  REQUIRE(!other.ok());
  CHECK(std::string(other.why().message.c_str()).find("expected 12 tokens") != std::string::npos);
}
