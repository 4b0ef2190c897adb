// sentence: lacuna::dropout: only a sublayer has dropout (write dropout<attention<...>> or dropout<ffn<...>> inside a block)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using feed_forward = lc::ffn<lc::hidden<32>, lc::relu>;
#if defined(CORRECTED)
using block = lc::pre_norm<lc::rms_norm<>, lc::dropout<feed_forward>>;
#else
using block = lc::dropout<lc::pre_norm<lc::rms_norm<>, feed_forward>>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, block>;

int main() {
  static lc::model<tiny, lc::training> model;
  const std::uint32_t token = 1;
  return model.try_forward_to_learn({&token, 1}).ok() ? 0 : 1;
}
