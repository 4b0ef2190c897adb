#pragma once

/// What each part of the program says about itself; without lacuna, whose types differ from part to part.
struct report {
  const char* architecture;
  float logit;
  void (*kernel)();
};
report part_plain();
report part_fused();
report part_release();
report part_values();
