// sentence: lacuna::convert: it makes models, and was asked for something else (write try_convert<model<recipe>>(trained), or try_convert_weight for one weight)
#include <lacuna/lacuna.hpp>

#include <lacuna/compress/convert.hpp>

namespace lc = lacuna;
using trained = lc::decoder<lc::vocabulary<8>, lc::width<16>, lc::context<8>,
                            lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<32>, lc::relu>>>;
using sparse = lc::substitute<trained, lc::dense, lc::csr<lc::density{0.5}>>;
#if defined(CORRECTED)
using wanted = lc::model<sparse>;
#else
using wanted = sparse;
#endif

int main() {
  lc::model<trained> from;
  auto made = lc::try_convert<wanted>(from);
  return made.ok() && made->ready() ? 0 : 1;
}
