// Gradients through lists of active neurons, against central differences in f64: a list is a constant.
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>

TEST_CASE("gradients where neurons and inputs are left out") {
  for (const std::uint64_t seed : {1u, 2u, 5u}) {
    const auto report = check_gradients<recipes::active>(seed, linear_loss);
    const auto worst = worst_of(report);
    INFO(seed << ", " << worst.path << ": largest gradient " << worst.largest << ", relative difference "
              << worst.difference);
    CHECK(worst.difference <= 1e-6);
    for (const auto& of : report) {
      const bool chooses =
          of.path.find("threshold") != std::string::npos || of.path.find("predictor") != std::string::npos;
      INFO(of.path);
      CHECK((of.largest == 0) == chooses);
    }
  }
}

TEST_CASE("skipping zeros has the gradients of the feed-forward without it") {
  namespace lc = lacuna;
  using plain =
      lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                  lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                               lc::ffn<lc::hidden<14>, lc::relu>, lc::ffn<lc::hidden<9>, lc::gated<lc::relu>>>>;
  using skipping = lc::substitute<plain, lc::slots::neurons, lc::skips_zeros>;
  const auto learn = []<class Recipe>(lc::model<Recipe, lc::f64, lc::training>& model) {
    recipes::randomise(model, 4, 0.4);
    const lc::token_view tokens{recipes::stream, 19};
    const std::vector<double> adjoint(19 * 11, 0.25);
    REQUIRE(model.try_forward_to_learn(tokens).ok());
    REQUIRE(model.try_backward(tokens, {adjoint.data(), 19}).ok());
  };
  auto expected = std::make_unique<lc::model<plain, lc::f64, lc::training>>();
  auto found = std::make_unique<lc::model<skipping, lc::f64, lc::training>>();
  learn(*expected), learn(*found);
  std::vector<double> all, same;
  const auto append = [](std::vector<double>& to, auto& model) {
    lc::visit_tensors([&](auto& of) { to.insert(to.end(), std::begin(of.data), std::end(of.data)); },
                      model.gradients_to_write());
  };
  append(all, *expected), append(same, *found);
  REQUIRE(all.size() == same.size());
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(same[i] == doctest::Approx(all[i]).epsilon(1e-12));
}
