// Clusters on SIMD lanes against the reference: logits and gradients of a model, in memory that others have written to.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/model_comparison.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <cstring>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

}  // namespace

TEST_CASE("gradients within clusters by lanes") {
  model_comparison::check<recipes::clusters, lc::simd>("clusters", 1e-4);
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
