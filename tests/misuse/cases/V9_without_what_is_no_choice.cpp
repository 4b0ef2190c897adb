// sentence: lacuna::without: what it leaves out is no choice of the space (name choices as the varies list them)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using space = lc::design_space<tiny, lc::vary<lc::relu, lc::relu, lc::silu>, lc::vary<lc::causal, lc::causal, lc::full>,
                               lc::without<lc::silu, lc::full>>;
#else
using space = lc::design_space<tiny, lc::vary<lc::relu, lc::relu, lc::silu>, lc::vary<lc::causal, lc::causal, lc::full>,
                               lc::without<lc::gelu, lc::full>>;
#endif

int main() {
  lc::extent_t count = 0;
  lc::for_each_variant<space>([&](auto variant) { count += variant.name.size() > 0 ? 1 : 0; });
  return count == space::size ? 0 : 1;
}
