#pragma once
// The backend of an example that shows fast paths: vectorised where the program was built with xsimd.

#include <lacuna/lacuna.hpp>
#if LACUNA_EXAMPLES_HAVE_SIMD
#include <lacuna/with_simd.hpp>
#endif

namespace examples {

#if LACUNA_EXAMPLES_HAVE_SIMD
using fast = lacuna::simd;
#else
using fast = lacuna::reference;
#endif

}  // namespace examples
