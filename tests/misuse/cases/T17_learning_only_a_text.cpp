// sentence: lacuna::learn_only: its second argument cannot be asked for a path (write lacuna::with_part{...}, or a function of const char*)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                           lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
using taught = lc::model<recipe>;

int main() {
  static taught model;
  static lc::trainer<taught> teacher(model);
#if defined(CORRECTED)
  const auto learning = lc::try_learn_only(teacher, lc::with_part{"ffn"});
#else
  const auto learning = lc::try_learn_only(teacher, "ffn");
#endif
  return learning.ok() ? 0 : 1;
}
