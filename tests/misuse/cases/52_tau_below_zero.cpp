// sentence: lacuna::l2_gelu: tau is negative or no number (write tau{8.f}, or tau{} for the root of the keys)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::l2_gelu<lc::tau{8.f}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::l2_gelu<lc::tau{-8.f}>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
