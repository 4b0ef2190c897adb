// sentence: lacuna::shared: this block does not keep its norms apart from its weights (write shared<N, block, shared_norms>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
/// A block that was written without thought for layers that share it.
struct my_block {
  using slot = lc::slots::block;
  template <class At>
  struct bound : block::bound<At> {};
};
#if defined(CORRECTED)
using body = lc::shared<2, my_block, lc::shared_norms>;
#else
using body = lc::shared<2, my_block>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
