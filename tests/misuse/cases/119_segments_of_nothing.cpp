// sentence: lacuna::segments: a segment of 0 tokens holds nothing (choose segments<S> with S > 0, often the root of the context)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::segments<4>>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::causal, lc::summarised<lc::segments<0>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
