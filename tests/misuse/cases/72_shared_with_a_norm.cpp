// sentence: lacuna::shared: its last argument says who has norms (write own_norms, shared_norms, or nothing)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
using body = lc::shared<2, block, lc::shared_norms>;
#else
using body = lc::shared<2, block, lc::rms_norm<>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
