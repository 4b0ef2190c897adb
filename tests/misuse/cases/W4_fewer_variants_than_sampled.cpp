// sentence: lacuna::sampled_space: it found fewer variants than it shall draw (draw fewer, or allow more by where<...> and without<...>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using space = lc::sampled_space<tiny, lc::samples{.count = 2}, lc::vary<lc::relu, lc::relu, lc::silu, lc::gelu>,
                                lc::without<lc::silu>>;
#else
using space = lc::sampled_space<tiny, lc::samples{.count = 3}, lc::vary<lc::relu, lc::relu, lc::silu, lc::gelu>,
                                lc::without<lc::silu>>;
#endif

int main() {
  lc::extent_t count = 0;
  lc::for_each_variant<space>([&](auto variant) { count += variant.name.size() > 0 ? 1 : 0; });
  return count == space::size ? 0 : 1;
}
