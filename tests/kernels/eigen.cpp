// The Eigen backend against the reference: every operation, forward and backward, and whole models.
#if __has_include(<Eigen/Core>)
#include "support/attention_comparison.hpp"
#include "support/eigen_packets.hpp"
#include "support/gradient_check.hpp"

#include <doctest/doctest.h>
#include <array>
#include <lacuna/with_eigen.hpp>
#include <memory>
#include <string>

namespace {
namespace lc = lacuna;

static_assert(lc::overridden<lc::operation::multiply, lc::eigen, lc::rows<float, 3>, lc::rows<const float, 4>,
                             lc::matrix<const float, 3, 4>, lc::nothing>);
static_assert(lc::overridden<lc::operation::multiply_transposed, lc::eigen, lc::rows<double, 4>,
                             lc::rows<const double, 3>, lc::matrix<const double, 3, 4>>);
static_assert(lc::overridden<lc::operation::accumulate_outer, lc::eigen, lc::matrix<float, 3, 4>,
                             lc::rows<const float, 3>, lc::rows<const float, 4>>);

template <lc::extent_t Outputs, lc::extent_t Inputs, class Element = float>
void agree() {
  constexpr lc::extent_t tokens = 3;
  std::uint64_t drawn = 0;
  lc::tensor<float, tokens, Inputs> x, dx[2];
  lc::tensor<Element, Outputs, Inputs> weight;
  lc::tensor<float, Outputs, Inputs> dweight[2];
  lc::tensor<float, tokens, Outputs> y[2], dy;
  const auto fill = [&](auto& tensor) {
    for (auto& of : tensor.data)
      of = lc::convert_element<std::remove_reference_t<decltype(of)>>(
          static_cast<float>(lc::random_normal(3, Outputs * 100 + Inputs, drawn++)));
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

/// All lengths to two packets and one more, and some beyond.
template <std::size_t... Length>
void all_lengths(std::index_sequence<Length...>) {
  (agree<Length + 1, 7>(), ...);
  (agree<5, Length + 1>(), ...);
  agree<16, 7>(), agree<17, 7>(), agree<33, 7>();
  agree<5, 16>(), agree<5, 17>(), agree<5, 33>();
}

/// One expression of each kind, unaligned, in place.
template <lc::extent_t Columns, class Value>
void expressions() {
  constexpr lc::extent_t tokens = 2;
  lc::tensor<Value, tokens * Columns + 1> g, start;
  std::uint64_t drawn = 0;
  for (auto& of : g.data) of = static_cast<Value>(lc::random_normal(4, Columns, drawn++));
  for (auto& of : start.data) of = static_cast<Value>(lc::random_normal(5, Columns, drawn++));
  lc::tensor<Value, Columns> gain, sums[2];
  for (lc::extent_t c = 0; c < Columns; ++c) gain[c] = static_cast<Value>(c) * Value(0.1);
  auto results = std::array{start, start};
  const auto run = [&](int to, const auto& backend) {
    const lc::rows<const Value, Columns> gate(g.data + 1, tokens);
    const lc::rows<Value, Columns> y(results[static_cast<std::size_t>(to)].data + 1, tokens);
    lc::op::evaluate(y, y + lc::map<lc::silu>(gate) * gain, backend);
    lc::op::evaluate(y, y * lc::inverse_root(lc::row_mean(y * y) + Value(1e-5)), backend);
    lc::op::evaluate(y, y - lc::map<lc::gelu>(gate) + lc::map_derivative<lc::gelu_tanh>(y) - lc::row_maximum(gate),
                     backend);
    lc::op::sum_over_tokens(sums[to], y, tokens, backend);
    return lc::op::evaluate(y, y, backend);
  };
  run(0, lc::reference{});
  const auto ran = run(1, lc::eigen{});
  static_assert(lc::same<decltype(ran), const lc::ran_on<lc::eigen>>);
  const double tolerance = lc::same<Value, double> ? 1e-13 : 1e-5;
  for (lc::extent_t i = 0; i <= tokens * Columns; ++i)
    REQUIRE(results[1][i] == doctest::Approx(results[0][i]).epsilon(tolerance).scale(1));
  for (lc::extent_t c = 0; c < Columns; ++c)
    REQUIRE(sums[1][c] == doctest::Approx(sums[0][c]).epsilon(tolerance).scale(1));
}
template <class Value, std::size_t... Length>
void all_expressions(std::index_sequence<Length...>) {
  (expressions<Length + 1, Value>(), ...);
  expressions<19, Value>(), expressions<47, Value>();
}

template <class... Options>
void compare_models(double tolerance) {
  auto plain = std::make_unique<lc::model<recipes::llama, Options...>>();
  auto other = std::make_unique<lc::model<recipes::llama, lc::eigen, Options...>>();
  recipes::randomise(*plain, 8, 0.4);
  recipes::randomise(*other, 8, 0.4);
  const auto expected = plain->forward({recipes::stream, 19});
  const auto found = other->forward({recipes::stream, 19});
  for (std::size_t i = 0; i < 11; ++i)
    CHECK(static_cast<double>(found(0, i)) ==
          doctest::Approx(static_cast<double>(expected(0, i))).epsilon(tolerance).scale(1));
}

}  // namespace

TEST_CASE("Eigen's products are the reference's") {
  all_lengths(std::make_index_sequence<2 * eigen_packet<float> + 1>{});
  agree<70, 65, lc::bfloat16>();
  agree<3, 3000, lc::float16>();
}
TEST_CASE_TEMPLATE("expressions by Eigen", Value, float, double) {
  all_expressions<Value>(std::make_index_sequence<2 * eigen_packet<Value> + 1>{});
}
TEST_CASE("attention by Eigen") {
  using none = lc::no_score_bias;
  attention_tests::compare<lc::eigen, float, lc::causal, lc::softmax, none, 4, 2, 8>();
  attention_tests::compare<lc::eigen, double, lc::both<lc::causal, lc::window<20>>, lc::softmax, none, 2, 1, 24>();
  attention_tests::compare<lc::eigen, double, lc::full, attention_tests::soft_cap, attention_tests::falling_bias, 2, 2,
                           16>();
  attention_tests::compare<lc::eigen, double, lc::causal, lc::l2_gelu<>, none, 2, 1, 12>();
}
TEST_CASE("models on Eigen: f32, f64, bf16, f16; every operation of a forward is Eigen's") {
  compare_models<>(1e-5);
  compare_models<lc::f64>(1e-12);
  compare_models<lc::bf16>(1e-5);
  compare_models<lc::f16>(1e-5);
  auto model = std::make_unique<lc::model<recipes::gpt, lc::eigen>>();
  lc::backend_report report;
  REQUIRE(model
              ->try_forward_watched(lc::watched{model->backend(), report}, {recipes::stream, 3},
                                    [](lc::extent_t, const auto&) {})
              .ok());
  for (lc::extent_t i = 0; i < report.count; ++i) CHECK(std::string(report.lines[i].backend) == "eigen");
}

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
