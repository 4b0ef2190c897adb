// sentence: lacuna::head: the policy has no bound<Vocabulary, Width> (derive it from lacuna::tied_head or lacuna::linear_head<>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
struct my_head : lc::linear_head<> {};
#else
struct my_head {
  using slot = lc::slots::head;
};
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, block, my_head>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
