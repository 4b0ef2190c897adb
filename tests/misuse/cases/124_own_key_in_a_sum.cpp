// sentence: lacuna::attention: the score lowers a token's own key, which hides it only where scores go into exponentials as they are (use softmax, softmax1 or clipped_softmax, or plain_dot)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::plain_dot_to_others, lc::softmax1>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::plain_dot_to_others, lc::l2_gelu<>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
