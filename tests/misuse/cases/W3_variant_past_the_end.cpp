// sentence: lacuna::design_space: it has no such variant (count from 0 to its size - 1)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
using space = lc::design_space<tiny, lc::vary<lc::relu, lc::relu, lc::silu>>;
#if defined(CORRECTED)
using variant = space::variant<1>::recipe;
#else
using variant = space::variant<2>::recipe;
#endif

int main() {
  lc::model<variant> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
