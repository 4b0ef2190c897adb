// sentence: lacuna::attention: kv_heads do not divide heads (choose kv_heads that divide heads; 1 is multi-query)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::causal>;
#else
using mixer = lc::attention<lc::heads<4>, lc::kv_heads<3>, lc::causal>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
