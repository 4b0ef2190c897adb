// sentence: lacuna::sequences: this is no number of sequences (write sequences<N>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using parts = lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>;
using alone = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, parts>;
#if defined(CORRECTED)
using tiny = lc::packed<alone, lc::sequences<4>>;
#else
using tiny = lc::packed<alone, lc::causal>;
#endif

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2, 3}, lengths[]{1, 2};
  const auto each = [](lc::extent_t, const auto&) {};
  return model.try_forward_sequences({tokens, 3}, {lengths, 2}, each).ok() ? 0 : 1;
}
