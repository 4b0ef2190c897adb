// sentence: lacuna::trainer: the model has buffers for learning, which a trainer brings itself (leave lacuna::training out of the model)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using taught = lc::model<tiny>;
using divided = lc::parts<1>;
#else
using taught = lc::model<tiny, lc::training>;
using divided = lc::parts<1>;
#endif

int main() {
  static taught model;
  static lc::trainer<taught, lc::adam_w, divided> teacher(model);
  const std::uint32_t tokens[]{1, 2, 3};
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
  return report.ok() ? 0 : 1;
}
