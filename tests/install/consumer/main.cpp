// What a user's first program may look like: prints the version and a number that a model computed.
#include "tiny.hpp"

#include <cstdio>

int main() {
  std::printf("lacuna %d.%d.%d, logit %.4f\n", LACUNA_VERSION_MAJOR, LACUNA_VERSION_MINOR, LACUNA_VERSION_PATCH,
              static_cast<double>(tiny_logit()));
}
