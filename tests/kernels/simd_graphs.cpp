// Graphs on the vectorised backend: the block plan and edges with features.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <string>

TEST_CASE("a model that reads a graph, forward and backward") {
  namespace lc = lacuna;
  using reference_model = lc::model<recipes::graphs, lc::f32, lc::training>;
  using simd_model = lc::model<recipes::graphs, lc::f32, lc::training, lc::simd>;
  auto expected = std::make_unique<reference_model>();
  auto model = std::make_unique<simd_model>();
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  const auto run = [&](auto& of) {
    recipes::randomise(of, 61, 0.4);
    // Without a graph nobody listens; nothing is read that is not there.
    CHECK(of.try_forward_to_learn(tokens).ok());
    CHECK(of.try_backward(tokens, *of.try_forward_to_learn(tokens)).ok());
    recipes::assign(of);
    const auto logits = *of.try_forward_to_learn(tokens);
    of.clear_gradients();
    CHECK(of.try_backward(tokens, logits).ok());
    return logits;
  };
  const auto a = run(*expected), b = run(*model);
  const auto close = [](float is, float wanted) { return is == doctest::Approx(wanted).epsilon(1e-4).scale(1); };
  for (lc::extent_t i = 0; i < tokens.count * a.columns; ++i) REQUIRE(close(b.data[i], a.data[i]));
  lc::visit_named(
      [&](const char* path, const auto& is, const auto& wanted) {
        INFO(path);
        for (lc::extent_t i = 0; i < is.size; ++i) REQUIRE(close(is[i], wanted[i]));
      },
      model->gradients_to_write(), expected->gradients_to_write());
  lc::backend_report report;
  auto watched = std::make_unique<lc::model<recipes::graphs, lc::simd, lc::chunk<20>>>();
  recipes::assign(*watched);
  REQUIRE(
      watched->try_forward_watched(lc::watched{watched->backend(), report}, tokens, [](lc::extent_t, auto) {}).ok());
  const auto ran_on = [&](const char* operation) {
    for (lc::extent_t i = 0; i < report.count; ++i)
      if (std::string(report.lines[i].operation) == operation) return std::string(report.lines[i].backend);
    return std::string();
  };
  CHECK(ran_on("attend") == "simd");
  CHECK(ran_on("attend_edges") == "simd");
}
#endif
