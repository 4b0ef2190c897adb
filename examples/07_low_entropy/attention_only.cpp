// The models without feed-forwards.
#include "subject.hpp"

namespace study {

found run_attention_only(const chain& source, const request& asked) {
  return with_width(asked.width, [&]<lc::extent_t Width>() {
    return run_one<network<Width, lc::repeat<2, lc::pre_norm<lc::layer_norm<>, attention<Width>>>>, 2, 0>(source,
                                                                                                          asked);
  });
}

}  // namespace study
