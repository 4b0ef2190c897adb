// Clusters on SIMD lanes against the reference: logits and gradients of a model, in memory that others have written to.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <cstring>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

/// A model that has learned one stream; adjoints are fixed numbers.
template <class Backend>
auto learned() {
  auto model = std::make_unique<lc::model<recipes::clusters, lc::f32, lc::training, Backend>>();
  recipes::randomise(*model, 71, 0.4);
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  static lc::tensor<float, 20, 11> adjoint;
  for (lc::extent_t i = 0; i < adjoint.size; ++i) adjoint[i] = static_cast<float>(lc::random_normal(7, 2, i));
  REQUIRE(model->try_forward_to_learn(tokens).ok());
  REQUIRE(model->try_backward(tokens, adjoint.first(tokens.count)).ok());
  return model;
}

}  // namespace

TEST_CASE("gradients within clusters by lanes") {
  const auto expected = learned<lc::reference>();
  const auto found = learned<lc::simd>();
  lc::visit_named(
      [](const char* path, auto& a, auto& b) {
        INFO(path);
        double largest = 0, apart = 0;
        for (std::size_t i = 0; i < std::size(a.data); ++i) {
          largest = std::fmax(largest, std::fabs(a.data[i]));
          const double difference = std::fabs(static_cast<double>(a.data[i]) - b.data[i]);
          apart = std::isnan(difference) ? HUGE_VAL : std::fmax(apart, difference);
        }
        CHECK(apart <= 1e-4 * largest);
      },
      expected->gradients_to_write(), found->gradients_to_write());
}

TEST_CASE("outputs of clusters by lanes, whatever the workspace held") {
  // Lanes multiply what is hidden by 0: what opens a block of the cache clears it.
  using recipe = lc::attention<lc::heads<2>, lc::balanced_k_means<3, lc::members{18}>,
                               lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot>;
  using bound = recipe::bound<lc::place<32, 40>>;
  using plan = lc::reuse<float, 40>;
  static bound::parameters<lc::weights<float>> parameters;
  bound::initialise(parameters);
  std::uint64_t drawn = 0;
  lc::visit_tensors(
      [&](auto& weight) {
        for (auto& of : weight.data) of += static_cast<float>(0.3 * lc::random_normal(5, 0, drawn++));
      },
      parameters);
  const auto output = [&]<class Backend>(Backend backend) {
    const auto memory = std::make_unique<bound::memory<plan>>();
    std::memset(static_cast<void*>(memory.get()), 0xff, sizeof(*memory));
    const auto derived = std::make_unique<bound::derived<lc::target<float, float, Backend>>>();
    bound::refresh(parameters, *derived);
    bound::state<lc::weights<float>> state;
    lc::shared_items<lc::unique<bound::shares<plan>>> shared;
    shared.prepare(0, 37);
    auto x = std::make_unique<lc::tensor<float, 40, 32>>(), y = std::make_unique<lc::tensor<float, 40, 32>>();
    for (lc::extent_t i = 0; i < x->size; ++i) (*x)[i] = static_cast<float>(lc::random_normal(5, 1, i));
    const lc::run<Backend, decltype(shared)> run{0, backend, shared};
    bound::forward(lc::values{parameters, state, *memory, *derived}, x->first(37), y->first(37), run);
    return y;
  };
  const auto expected = output(lc::reference{}), found = output(lc::simd{});
  for (lc::extent_t i = 0; i < 37 * 32; ++i)
    REQUIRE((*found)[i] == doctest::Approx((*expected)[i]).epsilon(1e-5).scale(1));
}
#endif
