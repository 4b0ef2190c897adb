// Says which instruction set was chosen, and computes with it.
#include "dispatched.hpp"

#include <cstdio>

int main() {
  const dispatched_functions& chosen = dispatched();
  std::printf("%s %.4f\n", chosen.architecture, static_cast<double>(chosen.logit()));
  return 0;
}
