// sentence: lacuna::route: branches stand outermost, since each has sums of its own (write branches<both<...>, both<...>>, or either<...> where a key counts once)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, lc::branches<lc::both<lc::causal, lc::window<3>>, lc::causal>>;
#else
using mixer = lc::attention<lc::heads<2>, lc::both<lc::causal, lc::branches<lc::window<3>, lc::causal>>>;
#endif
using tiny =
    lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny, lc::chunk<16>> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
