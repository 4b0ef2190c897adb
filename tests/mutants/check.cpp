// The gradient check of one recipe as a plain program: exit code 0 when every gradient is right.
#include "support/gradient_check.hpp"

#include <cstdio>

int main() {
  const auto worst = worst_of(check_gradients<recipes::RECIPE>(5, linear_loss));
  std::printf("%s: %.3g\n", worst.path.c_str(), worst.difference);
  return worst.difference <= 1e-6 ? 0 : 1;
}
