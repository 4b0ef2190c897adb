// Maps made of tokens on the SIMD backend: both products by packed panels, values and gradients as on the reference.
#if __has_include(<xsimd/xsimd.hpp>)
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <cstring>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

using recipe = lc::decoder<
    lc::vocabulary<11>, lc::width<24>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::causal, lc::parameter_tokens<>>,
                 lc::ffn<lc::hidden<40>, lc::gelu, lc::parameter_tokens<37>>>>;
template <class Backend>
auto trained() {
  auto model = std::make_unique<lc::model<recipe, lc::training, Backend>>();
  recipes::randomise(*model, 5, 0.4);
  static lc::tensor<float, 19, 11> adjoint;
  for (lc::extent_t i = 0; i < adjoint.size; ++i) adjoint[i] = static_cast<float>(lc::random_normal(2, 0, i));
  REQUIRE(model->try_forward_to_learn({recipes::stream, 19}).ok());
  REQUIRE(model->try_backward({recipes::stream, 19}, adjoint.view()).ok());
  return model;
}

}  // namespace

TEST_CASE("maps made of tokens on lanes") {
  const auto expected = trained<lc::reference>();
  const auto found = trained<lc::simd>();
  double worst = 0;
  lc::visit_tensors(
      [&](const auto& of_reference, const auto& of_lanes) {
        double largest = 0, most = 0;
        for (lc::extent_t i = 0; i < of_reference.size; ++i) {
          const double apart = std::abs(static_cast<double>(of_reference[i]) - static_cast<double>(of_lanes[i]));
          most = std::max(most, std::isnan(apart) ? 1e9 : apart);
          largest = std::max(largest, std::abs(static_cast<double>(of_reference[i])));
        }
        REQUIRE(largest > 0);
        worst = std::max(worst, most / largest);
      },
      expected->gradients_to_write(), found->gradients_to_write());
  CHECK(worst < 1e-4);

  auto model = std::make_unique<lc::model<recipe, lc::simd>>();
  lc::backend_report report;
  REQUIRE(
      model
          ->try_forward_watched(lc::watched{model->backend(), report}, {recipes::stream, 19}, [](lc::extent_t, auto) {})
          .ok());
  int served = 0;
  for (lc::extent_t i = 0; i < report.count; ++i)
    if (std::strcmp(report.lines[i].operation, "multiply") == 0 ||
        std::strcmp(report.lines[i].operation, "evaluate") == 0)
      served += std::strcmp(report.lines[i].backend, "simd") == 0 ? 1 : 100;
  CHECK(served == 2);  // products and elementwise work, both by lanes alone
}
#endif
