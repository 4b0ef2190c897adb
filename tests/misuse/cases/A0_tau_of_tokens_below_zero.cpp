// sentence: lacuna::parameter_tokens: tau is negative or no number (write tau{8}, tau_of(64), or tau{} for the root of the number of tokens)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<24, lc::tau_of(16)>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<24, lc::tau{-4}>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
