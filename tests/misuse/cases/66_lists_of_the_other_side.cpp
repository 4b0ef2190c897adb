// sentence: lacuna::multiply_active: the views or lists do not fit the weight (give the lists as many columns as the side that they choose from)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

int main() {
  lc::tensor<float, 4, 3> weight;
  lc::tensor<float, 1, 3> x;
  lc::tensor<float, 1, 4> y;
#if defined(CORRECTED)
  lc::active_lists<1, 4> lists;
#else
  lc::active_lists<1, 3> lists;
#endif
  lc::op::multiply_some_outputs(y.view(), x.view(), weight, lists.first(1), lc::reference{});
}
