// sentence: lacuna::within_sequence: a part of the attention would mix sequences or forget keys of theirs (leave out feature maps, sources, class_projections, local_enhancement and caches that overwrite)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<8>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<8>>, lc::ring_cache<8>>;
#endif
using alone =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;
using tiny = lc::packed<alone, lc::sequences<4>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2, 3}, lengths[]{1, 2};
  const auto each = [](lc::extent_t, const auto&) {};
  return model.try_forward_sequences({tokens, 3}, {lengths, 2}, each).ok() ? 0 : 1;
}
