// sentence: lacuna::learn: its first argument is no learner (pass what the lesson was given, by, and not by.model)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                           lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
using taught = lc::model<recipe>;

int main() {
  static taught model;
  static lc::trainer<taught> teacher(model);
  const std::uint32_t tokens[]{1, 2, 3};
#if defined(CORRECTED)
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
#else
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by.model, {tokens, 2}, {tokens + 1, 2});
  });
#endif
  return report.ok() ? 0 : 1;
}
