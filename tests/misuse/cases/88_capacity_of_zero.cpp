// sentence: lacuna::capacity: its factor is not above 0 (1 is the even share, 1.25 leaves some room)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using neurons = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::capacity<lc::factor{1.25f}>, lc::hidden<8>, lc::relu>;
#else
using neurons = lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::capacity<lc::factor{0}>, lc::hidden<8>, lc::relu>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, neurons>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
