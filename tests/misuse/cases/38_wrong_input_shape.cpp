// sentence: lacuna::multiply: the views do not fit the weight (give x as many columns as it has inputs, y as it has outputs)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main() {
  lc::tensor<float, 8, 4> weight;
  lc::tensor<float, 2, 8> y;
#if defined(CORRECTED)
  lc::tensor<float, 2, 4> x;
#else
  lc::tensor<float, 2, 3> x;
#endif
  lc::op::multiply(y.view(), x.view(), weight, lc::nothing{}, lc::reference{});
}
