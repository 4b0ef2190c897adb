// sentence: lacuna::window: a window of 0 sees nothing (write window<1> for the row itself)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<4>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<0>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
