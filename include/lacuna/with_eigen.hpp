#pragma once
/// The backend `eigen`: operations by Eigen (3.4 or newer), in f32 and f64, forward and backward; what it does not
/// serve, the reference does (docs/explain/coverage.md).
///
/// `model<stories, eigen>`. A program that includes this header still uses the reference where it does not say `eigen`.
/// And `try_laplacian_positions`, for models on any backend.

#include <lacuna/backend/eigen/attend.hpp>
#include <lacuna/backend/eigen/attend_edges.hpp>
#include <lacuna/backend/eigen/convolve_rows.hpp>
#include <lacuna/backend/eigen/corrected_scan.hpp>
#include <lacuna/backend/eigen/cross_entropy.hpp>
#include <lacuna/backend/eigen/dispatch.hpp>
#include <lacuna/backend/eigen/embed.hpp>
#include <lacuna/backend/eigen/evaluate.hpp>
#include <lacuna/backend/eigen/feature_pairs.hpp>
#include <lacuna/backend/eigen/keep_largest.hpp>
#include <lacuna/backend/eigen/laplacian.hpp>
#include <lacuna/backend/eigen/learn.hpp>
#include <lacuna/backend/eigen/multiply.hpp>
#include <lacuna/backend/eigen/multiply_blocks.hpp>
#include <lacuna/backend/eigen/rotate.hpp>
#include <lacuna/backend/eigen/scan.hpp>
#include <lacuna/backend/eigen/select.hpp>

LACUNA_BEGIN

struct eigen_traits : reference_traits {
  static constexpr extent_t lanes = eigen_lanes::lanes<float>::lane_count;
};

LACUNA_END
