#pragma once
/// Dense weights into other formats, and the spectra of weights and activations. Needs Eigen and the heap; include it beside <lacuna/lacuna.hpp>. A program that
/// only runs compressed models does not need it.

#include <lacuna/compress/convert.hpp>
#include <lacuna/compress/product.hpp>
#include <lacuna/compress/spectrum.hpp>
