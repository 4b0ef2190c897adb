// sentence: lacuna::trainer: what follows the model is no optimiser (write trainer<Model, lacuna::adam_w, lacuna::parts<2>>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                           lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
using taught = lc::model<recipe>;
#if defined(CORRECTED)
using teacher_type = lc::trainer<taught, lc::adam_w, lc::parts<2>>;
#else
using teacher_type = lc::trainer<taught, lc::parts<2>>;
#endif

int main() {
  static taught model;
  static teacher_type teacher(model);
  const std::uint32_t tokens[]{1, 2, 3};
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
  return report.ok() ? 0 : 1;
}
