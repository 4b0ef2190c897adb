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
/// The largest difference, relative to the largest number.
double apart(const std::vector<double>& a, const std::vector<double>& b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::isnan(a[i] - b[i]) ? HUGE_VAL : std::max(most, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return most / largest;
}

/// Rows mixed on a backend, forward and backward; adjoints and gradients start from something.
template <lc::extent_t Columns, lc::extent_t Mixed, class Backend>
std::vector<double> mix(lc::extent_t count) {
  std::uint64_t drawn = 0;
  const auto draw = [&](std::size_t size) {
    std::vector<float> all(size);
    for (float& of : all) of = static_cast<float>(lc::random_normal(73, Columns, drawn++));
    return all;
  };
  std::vector<float> x = draw(count * Columns), share = draw(count * Mixed), y = draw(Mixed * Columns + 1),
                     dy = draw(Mixed * Columns), dx = draw(count * Columns + 1), dshare = draw(count * Mixed + 1);
  const lc::rows<const float, Mixed> shares(share.data(), count);
  const lc::rows<float, Columns> rows(x.data(), count);
  const auto ran = lc::op::mix_rows(lc::rows<float, Columns>(y.data(), Mixed), rows, shares, Backend{});
  const auto ran_back = lc::op::mix_rows_backward(lc::rows<float, Columns>(dx.data(), count),
                                                  lc::rows<float, Mixed>(dshare.data(), count),
                                                  lc::rows<float, Columns>(dy.data(), Mixed), rows, shares, Backend{});
  static_assert(lc::same<decltype(ran), const lc::ran_on<Backend>>);
  static_assert(lc::same<decltype(ran_back), const lc::ran_on<Backend>>);
  std::vector<double> all(y.begin(), y.end());
  all.insert(all.end(), dx.begin(), dx.end());
  all.insert(all.end(), dshare.begin(), dshare.end());
  return all;
}
template <lc::extent_t Columns, lc::extent_t Mixed>
void check_mixing() {
  for (lc::extent_t count = 0; count <= 40; ++count)
    REQUIRE(apart(mix<Columns, Mixed, lc::simd>(count), mix<Columns, Mixed, lc::reference>(count)) < 1e-5);
}

}  // namespace

TEST_CASE("rows mixed on simd, all lengths") {
  check_mixing<1, 1>();
  check_mixing<5, 17>();
  check_mixing<16, 8>();
  check_mixing<64, 3>();
  check_mixing<37, 33>();
}

TEST_CASE("sources on simd: logits and gradients of the reference, whatever came before") {
  const auto expected = learn<lc::reference>(false), found = learn<lc::simd>(false), again = learn<lc::simd>(true);
  REQUIRE(found.gradients.size() == expected.gradients.size());
  CHECK(apart(found.logits, expected.logits) < 1e-5);
  CHECK(apart(found.gradients, expected.gradients) < 1e-4);
  CHECK((again.logits == found.logits));
  CHECK((again.gradients == found.gradients));
}
#endif
