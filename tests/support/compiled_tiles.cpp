// The tiles of compiled_tiles.hpp.
#define LACUNA_TESTS_TILES_ARE
#include "support/compiled_tiles.hpp"
