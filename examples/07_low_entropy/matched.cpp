// The models without feed-forwards that have as many parameters as those with: six layers in the place of two. They
// are asked for at the two smallest widths.
#include "subject.hpp"

namespace study {

found run_matched(const chain& source, const request& asked) {
  return with_width(asked.width, [&]<lc::extent_t Width>() {
    return run_one<network<Width, lc::repeat<6, lc::pre_norm<lc::layer_norm<>, attention<Width>>>>, 6, 0>(source,
                                                                                                          asked);
  });
}

}  // namespace study
