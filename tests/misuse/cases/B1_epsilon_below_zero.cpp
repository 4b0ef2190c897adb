// sentence: lacuna::epsilon: it is not a number from 0 on (write epsilon{1e-5f} or leave it out)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using norm = lc::rms_norm<lc::epsilon{1e-6f}>;
#else
using norm = lc::rms_norm<lc::epsilon{-1e-6f}>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<norm, lc::attention<lc::heads<2>, lc::causal>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
