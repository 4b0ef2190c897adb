// sentence: lacuna::backend: the tag does not derive from a backend (write struct mine : lacuna::reference)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<32>, lc::relu>>;
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, lc::repeat<2, block>>;
#if defined(CORRECTED)
struct mine : lc::reference {
  static constexpr auto name = lc::fixed_string("mine");
};
#else
struct mine {
  using slot = lc::slots::backend;
  static constexpr auto name = lc::fixed_string("mine");
};
#endif

int main() {
  lc::model<tiny, mine> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
