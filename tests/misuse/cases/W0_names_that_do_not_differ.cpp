// sentence: lacuna::design_space: names do not tell the choices of a vary apart (write called<text, policy>, the text without commas)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                                    lc::ffn<lc::hidden<32>, lc::relu>>>>;
using coarse = lc::rms_norm<lc::epsilon{1e-3f}>;
#if defined(CORRECTED)
using space = lc::design_space<tiny, lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::called<"rms_norm 1e-3", coarse>>>;
#else
using space = lc::design_space<tiny, lc::vary<lc::rms_norm<>, lc::rms_norm<>, coarse>>;
#endif

int main() {
  lc::extent_t count = 0;
  lc::for_each_variant<space>([&](auto variant) { count += variant.name.size() > 0 ? 1 : 0; });
  return count == space::size ? 0 : 1;
}
