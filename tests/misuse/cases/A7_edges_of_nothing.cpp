// sentence: lacuna::edges: blocks of 0 positions hold nothing (choose edges<1> or more)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::either<lc::causal, lc::columns<lc::edges<2>>>;
#else
using route = lc::either<lc::causal, lc::columns<lc::edges<0>>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, route>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
