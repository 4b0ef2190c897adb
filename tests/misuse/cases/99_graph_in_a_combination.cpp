// sentence: lacuna::route: a combination is made of routes with spans, and one of these is a graph that comes at run time (assign a graph without the edges that the other routes hide)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using route = lc::neighbours<64>;
#else
using route = lc::both<lc::causal, lc::neighbours<64>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, route>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
