// sentence: lacuna::packed: a part looks across tokens and does not tell sequences apart (leave out limited capacity, auxiliary losses, and parts of your own that hide attention, or take one sequence at a time)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using room = lc::unlimited_capacity;
#else
using room = lc::capacity<lc::factor{1.25f}>;
#endif
using experts = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, room, lc::hidden<8>, lc::relu>;
using mixer = lc::attention<lc::heads<2>, lc::causal>;
using alone = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                          lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer, experts>>>;
using tiny = lc::packed<alone, lc::sequences<4>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2, 3}, lengths[]{1, 2};
  const auto each = [](lc::extent_t, const auto&) {};
  return model.try_forward_sequences({tokens, 3}, {lengths, 2}, each).ok() ? 0 : 1;
}
