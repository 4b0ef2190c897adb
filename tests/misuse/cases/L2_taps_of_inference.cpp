// sentence: lacuna::model: an inference model does not keep the rows that are tapped (write model<Recipe, lacuna::training>)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<16>,
                         lc::repeat<2, lc::tapped<lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>>>;
#if defined(CORRECTED)
using model_type = lc::model<tiny, lc::training>;
#else
using model_type = lc::model<tiny>;
#endif

int main() {
  static model_type model;
  lc::extent_t count = 0;
  model.visit_taps([&](const char*, auto rows, auto) { count += rows.count; });
  return count == 0 ? 0 : 1;
}
