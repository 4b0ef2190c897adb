#pragma once
/// The backend `eigen`: products by Eigen (3.4 or newer), everything else by the reference.
///
/// `model<stories, eigen>`. A program that includes this header still uses the reference where it does not say `eigen`.

#include <lacuna/backend/eigen/multiply.hpp>

LACUNA_BEGIN

struct eigen_traits : reference_traits {};

LACUNA_END
