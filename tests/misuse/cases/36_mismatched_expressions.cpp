// sentence: lacuna::expression: two operands have different column counts (make them equal, or 1 to broadcast)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main() {
  lc::tensor<float, 2, 4> x, y;
#if defined(CORRECTED)
  lc::tensor<float, 2, 4> z;
#else
  lc::tensor<float, 2, 3> z;
#endif
  lc::op::evaluate(y.view(), x.view() + z.view(), lc::reference{});
}
