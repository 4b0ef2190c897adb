// sentence: lacuna::quantized: 32 bits do not hold the sum of so many products of integers (at most 133144 inputs, or write quantized<8>, without activations<8>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using format = lc::quantized<8>;
#else
using format = lc::quantized<8, lc::activations<8>>;
#endif

int main() {
  static lc::projection<format, lc::no_bias, 8, 133145>::parameters<lc::weights<float>> down;
  return down.weight[0];
}
