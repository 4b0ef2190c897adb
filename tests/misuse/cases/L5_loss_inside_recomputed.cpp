// sentence: lacuna::recomputed: an auxiliary loss inside would be known of one layer only, as all its layers have one room (leave the loss out, or do not recompute this block)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

template <class... Losses>
using mixture = lc::mixture<lc::experts<3>, lc::experts_per_token<2>, lc::hidden<32>, lc::relu, Losses...>;
#if defined(CORRECTED)
using anew = lc::recomputed<lc::pre_norm<lc::rms_norm<>, mixture<>>>;
#else
using anew = lc::recomputed<lc::pre_norm<lc::rms_norm<>, mixture<lc::balance_loss<>>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, anew>>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
