#pragma once
// How many numbers Eigen computes at once.

#include <Eigen/Core>
#include <cstddef>

template <class Value>
inline constexpr std::size_t eigen_packet = EIGEN_MAX_STATIC_ALIGN_BYTES / sizeof(Value);
static_assert(eigen_packet<double> >= 2, "Eigen is built without vectors: these tests would not reach its packets");
