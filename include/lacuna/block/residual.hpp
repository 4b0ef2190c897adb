#pragma once
/// Residual blocks: where the norms stand, and the sum around the sublayers.

#include <lacuna/block/deep_norm.hpp>
#include <lacuna/block/output_norm.hpp>
#include <lacuna/block/parallel.hpp>
#include <lacuna/block/peri_norm.hpp>
#include <lacuna/block/post_norm.hpp>
#include <lacuna/block/pre_norm.hpp>
