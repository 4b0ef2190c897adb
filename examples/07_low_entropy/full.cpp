// The models with feed-forwards.
#include "subject.hpp"

namespace study {

found run_full(const chain& source, const request& asked) {
  return with_width(asked.width, [&]<lc::extent_t Width>() {
    using block = lc::pre_norm<lc::layer_norm<>, attention<Width>, lc::ffn<lc::hidden<4 * Width>, lc::relu, lc::bias>>;
    return run_one<network<Width, lc::repeat<2, block>>, 2, 4 * Width>(source, asked);
  });
}

}  // namespace study
