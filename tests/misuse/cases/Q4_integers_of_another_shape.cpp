// sentence: lacuna::multiply_quantized: the views do not fit the weight (give x as many columns as it has inputs, y as it has outputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main() {
  lc::tensor<std::int8_t, 4, 3> weight;
  lc::tensor<float, 4> scale;
#if defined(CORRECTED)
  lc::tensor<float, 2, 3> x;
#else
  lc::tensor<float, 2, 5> x;
#endif
  lc::tensor<float, 2, 4> y;
  lc::op::multiply_quantized(y.view(), x.view(), lc::quantized_matrix<float, 4, 3>(weight.data, scale.data),
                             lc::reference{});
}
