// sentence: lacuna::multiply_integers: 32 bits do not hold the sum of so many products of integers (quantise activations of at most 133144 inputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
constexpr lc::extent_t inputs = 133144;
#else
constexpr lc::extent_t inputs = 133145;
#endif

int main() {
  static lc::tensor<std::int8_t, 4, inputs> weight;
  static lc::tensor<float, 4> scale;
  static lc::quantized_buffer<float, 1, inputs> x;
  lc::tensor<float, 1, 4> y;
  lc::op::multiply_integers(y.view(), x.first(1), lc::quantized_matrix<float, 4, inputs>(weight.data, scale.data),
                            lc::reference{});
}
