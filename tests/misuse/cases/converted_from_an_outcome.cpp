// sentence: lacuna::convert: what is converted is no model (give it the model that was trained or loaded; an outcome has it as *outcome)
#include <lacuna/lacuna.hpp>

#include <lacuna/compress/convert.hpp>

namespace lc = lacuna;
using trained = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                            lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>;
using sparse = lc::substitute<trained, lc::dense, lc::csr<lc::density{0.5}>>;

int main() {
  const lc::outcome<lc::model<trained>> loaded{lc::model<trained>{}};
#if defined(CORRECTED)
  const auto& from = *loaded;
#else
  const auto& from = loaded;
#endif
  return lc::try_convert<lc::model<sparse>>(from).ok() ? 0 : 1;
}
