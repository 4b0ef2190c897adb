#pragma once

/// What the chosen architecture says about itself.
struct dispatched_functions {
  const char* architecture;
  float (*logit)();
};
const dispatched_functions& dispatched();
