// sentence: lacuna::learn: the task's examples are longer than the model's context (write context<task::length>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using adding = lc::task::addition<lc::task::addends{.digits = 2}>;
#if defined(CORRECTED)
using positions = lc::context<adding::length>;
#else
using positions = lc::context<4>;
#endif
using tiny = lc::decoder<lc::vocabulary<adding::vocabulary>, lc::width<16>, positions,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;

int main() {
  static lc::model<tiny> model;
  static lc::trainer<lc::model<tiny>> teacher(model);
  const auto report = teacher.try_step(1, 1e-3, [&](auto& by, lc::extent_t number) {
    lc::task::token_example<adding::length> example;
    adding::sample(1, number, example);
    return lc::try_learn_example(by, example);
  });
  return report.ok() ? 0 : 1;
}
