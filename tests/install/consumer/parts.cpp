// Calls every part and fails unless each ran kernels of its own and all computed the same.
#include "part.hpp"

#include <cmath>
#include <cstdio>

int main() {
  const report parts[] = {part_plain(), part_release(), part_values(),
#if defined(WITH_FUSED)
                          part_fused(),
#endif
  };
  int status = 0;
  for (const report& part : parts) {
    std::printf("%s %.4f\n", part.architecture, static_cast<double>(part.logit));
    if (std::fabs(part.logit - parts[0].logit) > 1e-4f) status = 1;
    for (const report& other : parts)
      if (&part != &other && part.kernel == other.kernel) status = 2;
  }
  return status;
}
