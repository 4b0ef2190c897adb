// The Eigen backend against the reference: products over all lengths, forward and backward, and whole models.
#if __has_include(<Eigen/Core>)
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_eigen.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

static_assert(lc::overridden<lc::operation::multiply, lc::eigen, lc::rows<float, 3>, lc::rows<const float, 4>,
                             lc::matrix<const float, 3, 4>, lc::nothing>);
static_assert(lc::overridden<lc::operation::multiply_transposed, lc::eigen, lc::rows<double, 4>,
                             lc::rows<const double, 3>, lc::matrix<const double, 3, 4>>);
static_assert(lc::overridden<lc::operation::accumulate_outer, lc::eigen, lc::matrix<float, 3, 4>,
                             lc::rows<const float, 3>, lc::rows<const float, 4>>);

template <lc::extent_t Outputs, lc::extent_t Inputs>
void agree() {
  constexpr lc::extent_t tokens = 3;
  std::uint64_t drawn = 0;
  lc::tensor<float, tokens, Inputs> x, dx[2];
  lc::tensor<float, Outputs, Inputs> weight, dweight[2];
  lc::tensor<float, tokens, Outputs> y[2], dy;
  const auto fill = [&](auto& tensor) {
    for (auto& of : tensor.data) of = static_cast<float>(lc::random_normal(3, Outputs * 100 + Inputs, drawn++));
  };
  fill(x), fill(weight), fill(dy), fill(dx[0]), fill(dweight[0]);
  dx[1] = dx[0], dweight[1] = dweight[0];
  const auto run = [&](int to, const auto& backend) {
    lc::op::multiply(y[to].view(), x.view(), weight, lc::nothing{}, backend);
    lc::op::multiply_transposed(dx[to].view(), dy.view(), weight, backend);
    lc::op::accumulate_outer(dweight[to], dy.view(), x.view(), backend);
  };
  run(0, lc::reference{});
  run(1, lc::eigen{});
  const auto close = [](const auto& a, const auto& b) {
    for (std::size_t i = 0; i < std::size(a.data); ++i) REQUIRE(a[i] == doctest::Approx(b[i]).epsilon(1e-5).scale(1));
  };
  close(y[0], y[1]), close(dx[0], dx[1]), close(dweight[0], dweight[1]);
}

template <std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (agree<Length + 1, 7>(), ...);
  (agree<5, Length + 1>(), ...);
}

}  // namespace

TEST_CASE("Eigen's products are the reference's") { all_lengths(std::make_index_sequence<33>{}); }

TEST_CASE("a model on Eigen: values and gradients") {
  auto plain = std::make_unique<lc::model<recipes::llama, lc::training>>();
  auto other = std::make_unique<lc::model<recipes::llama, lc::training, lc::eigen>>();
  recipes::randomise(*plain, 8, 0.4);
  recipes::randomise(*other, 8, 0.4);
  std::vector<float> adjoint(19 * 11);
  for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = static_cast<float>(lc::random_normal(1, 1, i));
  const auto expected = *plain->try_forward_to_learn({recipes::stream, 19});
  const auto found = *other->try_forward_to_learn({recipes::stream, 19});
  for (std::size_t i = 0; i < 19 * 11; ++i)
    CHECK(found.data[i] == doctest::Approx(expected.data[i]).epsilon(1e-4).scale(1));
  REQUIRE(plain->try_backward({recipes::stream, 19}, {adjoint.data(), 19}).ok());
  REQUIRE(other->try_backward({recipes::stream, 19}, {adjoint.data(), 19}).ok());
  lc::visit_tensors(
      [](auto& a, auto& b) {
        float largest = 0;
        for (float of : a.data) largest = std::max(largest, std::fabs(of));
        for (std::size_t i = 0; i < std::size(a.data); ++i) REQUIRE(std::fabs(a[i] - b[i]) <= 1e-4f * largest);
      },
      plain->gradients_to_write(), other->gradients_to_write());
}
#endif
