// sentence: lacuna::trainer: the model borrows its parameters, which cannot be changed (train a model that owns them)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
#if defined(CORRECTED)
using taught = lc::model<tiny>;
#else
using taught = lc::model<tiny, lc::borrowed>;
#endif

int main() {
  static lc::model<tiny> owner;
#if defined(CORRECTED)
  taught& model = owner;
#else
  static taught model(owner.parameters());
#endif
  static lc::trainer<taught> teacher(model);
  const std::uint32_t tokens[]{1, 2, 3};
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t) {
    return lc::try_learn_tokens(by, {tokens, 2}, {tokens + 1, 2});
  });
  return report.ok() ? 0 : 1;
}
