// sentence: lacuna::save_training: a training is what a trainer holds (give the trainer to try_save_training and try_resume_training, and a model alone to try_save and try_load_into)
#include <lacuna/lacuna.hpp>
#include <lacuna/train/checkpoint.hpp>
namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                           lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>;
using taught = lc::model<recipe>;

int main() {
  static taught model;
#if defined(CORRECTED)
  static lc::trainer<taught> saved(model);
#else
  static taught& saved = model;
#endif
  if (!lc::try_save_training(saved, "training").ok()) return 1;
  return lc::try_resume_training(saved, "training").ok() ? 0 : 1;
}
