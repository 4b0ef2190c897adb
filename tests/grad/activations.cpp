// Every activation: its derivative against central differences, its value against the formula in f64.
#include <lacuna/lacuna.hpp>

#include <cmath>
#include <doctest/doctest.h>

namespace {
namespace lc = lacuna;

template <class Activation, class Formula>
void check(Formula&& formula) {
  for (double x = -7.03; x < 7; x += 0.11) {
    CHECK(Activation::value(x) == doctest::Approx(formula(x)).epsilon(1e-13));
    CHECK(static_cast<double>(Activation::value(static_cast<float>(x))) ==
          doctest::Approx(formula(static_cast<double>(static_cast<float>(x)))).epsilon(1e-6).scale(1));
    constexpr double step = 1e-5;
    const double slope = (Activation::value(x + step) - Activation::value(x - step)) / (2 * step);
    CHECK(Activation::derivative(x) == doctest::Approx(slope).epsilon(1e-8).scale(1));
  }
  CHECK((Activation::value(0.0) == 0.0) == Activation::preserves_zero);
}

}  // namespace

TEST_CASE("activations and their derivatives") {
  const double inverse_root_two = std::sqrt(0.5);
  check<lc::relu>([](double x) { return std::fmax(x, 0); });
  check<lc::squared_relu>([](double x) { return x > 0 ? x * x : 0; });
  check<lc::sigmoid>([](double x) { return 1 / (1 + std::exp(-x)); });
  check<lc::silu>([](double x) { return x / (1 + std::exp(-x)); });
  check<lc::gelu>([&](double x) { return 0.5 * x * std::erfc(-x * inverse_root_two); });
  check<lc::gelu_tanh>([](double x) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
  });
}
