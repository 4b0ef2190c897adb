// The gradient check of one recipe as a plain program: exit code 0 when every gradient is right. Its argument is the
// number of a mutation that is woven into the headers; without one they are as they are.
#include "mutants/mutant.hpp"
// The headers below may be woven: they call what stands above.
#include "support/gradient_check.hpp"

#include <cstdio>
#include <cstdlib>

int main(int count, char** arguments) {
  if (count > 1) lacuna_mutant::chosen = std::atoi(arguments[1]);
  // A few numbers of each tensor notice what all of them would.
  const auto worst = worst_of(check_gradients<recipes::RECIPE>(5, linear_loss, 5));
  std::printf("%s: %.3g\n", worst.path.c_str(), worst.difference);
  return worst.difference <= 1e-6 ? 0 : 1;
}
