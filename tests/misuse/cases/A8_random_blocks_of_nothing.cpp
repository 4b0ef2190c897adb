// sentence: lacuna::random_blocks: blocks of 0 positions hold nothing (choose random_blocks<1> or more)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::random_blocks<4>;
#else
using route = lc::random_blocks<0>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, route>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
