// sentence: lacuna::model: borrowed parameters are read-only (write them before lending, or use heap or in_place)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;

int main() {
  lc::model<tiny> owner;
  lc::model<tiny, lc::borrowed> borrower(owner.parameters());
#if defined(CORRECTED)
  owner.parameters_to_write().embedding.weight[0] = 1;
#else
  borrower.parameters_to_write().embedding.weight[0] = 1;
#endif
  borrower.update();
}
