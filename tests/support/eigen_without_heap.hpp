#pragma once
// Eigen, forbidden to allocate in the whole program (tests/CMakeLists.txt builds it so that it can be): an allocation
// fails an assertion of Eigen's and ends the program.

#include <Eigen/Core>

/// Read by a test, so that the prohibition is known to hold.
inline const bool eigen_may_allocate = Eigen::internal::set_is_malloc_allowed(false);
