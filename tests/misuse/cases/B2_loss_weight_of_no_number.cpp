// sentence: lacuna::loss_weight: it is not a finite number (write balance_loss<loss_weight{1e-2f}>)
#include <lacuna/lacuna.hpp>

#include <limits>
namespace lc = lacuna;

#if defined(CORRECTED)
using loss = lc::balance_loss<lc::loss_weight{1e-2f}>;
#else
using loss = lc::balance_loss<lc::loss_weight{std::numeric_limits<float>::quiet_NaN()}>;
#endif
using experts = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::hidden<8>, lc::relu, loss>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, experts>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
