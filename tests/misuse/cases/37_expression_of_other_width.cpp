// sentence: lacuna::evaluate: the expression has another column count than its destination (make them equal)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main() {
  lc::tensor<float, 2, 4> x;
#if defined(CORRECTED)
  lc::tensor<float, 2, 4> y;
#else
  lc::tensor<float, 2, 3> y;
#endif
  lc::op::evaluate(y.view(), x.view() * 2.0f, lc::reference{});
}
