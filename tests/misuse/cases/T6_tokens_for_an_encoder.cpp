// sentence: lacuna::learn: only a decoder makes logits for tokens (write a lesson of the rows of an encoder, and try_learn_window for a regressor)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using block = lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>;
#if defined(CORRECTED)
using taught = lc::model<lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, block>>;
#else
using taught = lc::model<lc::encoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>, block>>;
#endif

int main() {
  static taught model;
  static lc::trainer<taught> teacher(model);
  const std::uint32_t tokens[]{1, 2, 3};
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
  return report.ok() ? 0 : 1;
}
