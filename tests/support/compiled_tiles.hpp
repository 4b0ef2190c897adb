#pragma once
// Tiles of dense products that many files of a program call, compiled once, by compiled_tiles.cpp: each is a loop
// unrolled by hand, and together they were a sixth of the code of the tests of kernels. Only where CMake says that
// compiled_tiles.cpp is there: who compiles a file of tests on its own compiles its tiles, too.
#if LACUNA_TESTS_HAVE_TILES
#include <lacuna/with_simd.hpp>

#ifndef LACUNA_TESTS_TILES_ARE
#define LACUNA_TESTS_TILES_ARE extern
#endif

LACUNA_BEGIN

namespace simd_lanes {

#define LACUNA_TESTS_TILE(ROWS, REGISTERS, PARTIAL, LAYOUT, TRANSPOSED)                                     \
  LACUNA_TESTS_TILES_ARE template void multiply_tile<ROWS, REGISTERS, PARTIAL, layout::LAYOUT, TRANSPOSED>( \
      float*, extent_t, const float*, extent_t, const float*, extent_t, extent_t, extent_t, bool,           \
      read_ahead) noexcept;
#define LACUNA_TESTS_TILES(ROWS, REGISTERS)                    \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, false, panels, false)     \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, true, panels, false)      \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, false, far_panels, false) \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, false, rows, false)       \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, true, rows, false)        \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, false, rows, true)        \
  LACUNA_TESTS_TILE(ROWS, REGISTERS, true, rows, true)

LACUNA_TESTS_TILES(1, 1)
LACUNA_TESTS_TILES(1, 2)
LACUNA_TESTS_TILES(1, 3)
LACUNA_TESTS_TILES(2, 1)
LACUNA_TESTS_TILES(2, 2)
LACUNA_TESTS_TILES(2, 3)
LACUNA_TESTS_TILES(2, 4)
LACUNA_TESTS_TILES(3, 1)
LACUNA_TESTS_TILES(3, 2)
LACUNA_TESTS_TILES(4, 1)
LACUNA_TESTS_TILES(4, 2)
LACUNA_TESTS_TILES(5, 1)
LACUNA_TESTS_TILES(5, 2)
LACUNA_TESTS_TILES(6, 1)
LACUNA_TESTS_TILES(6, 2)

#undef LACUNA_TESTS_TILES
#undef LACUNA_TESTS_TILE

}  // namespace simd_lanes

LACUNA_END
#endif
