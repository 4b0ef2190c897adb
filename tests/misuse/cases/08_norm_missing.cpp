// sentence: lacuna::norm: the normalisation is missing (write pre_norm<rms_norm<>, ...>, or no_norm for none)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using body = lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;
#else
using body = lc::repeat<2, lc::pre_norm<lc::attention<lc::heads<2>, lc::causal>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
