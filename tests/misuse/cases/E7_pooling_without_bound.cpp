// sentence: lacuna::pooling: the policy has no bound<Width> (see lacuna::mean_pooling for what one offers)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using body = lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full>>>;

#if defined(CORRECTED)
struct mine : lc::mean_pooling {};
#else
struct mine {
  using slot = lc::slots::pooling;
};
#endif
using tiny = lc::encoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, body, mine>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t tokens[]{1, 2};
  return model.try_encode({tokens, 2}).ok() ? 0 : 1;
}
