// sentence: lacuna::packed: a model of several streams takes one sequence in each (give paged_cache one stream, or leave packed out and use a stream for each sequence)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<64, lc::streams{1}>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::paged_cache<64, lc::streams{4}>>;
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
