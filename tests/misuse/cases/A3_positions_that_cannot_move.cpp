// sentence: lacuna::ring_cache: positions inside the cache need queries and keys that can be turned on from where they were written, and this position cannot (use rope<>, or ring_positions::of_the_text)
#include <lacuna/lacuna.hpp>
namespace lc = lacuna;

using route = lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<16>>>;
using ring = lc::ring_cache<16, lc::pinned{4}, lc::ring_positions::of_the_cache>;
#if defined(CORRECTED)
using mixer = lc::attention<lc::heads<2>, route, ring, lc::rope<>>;
#else
using mixer = lc::attention<lc::heads<2>, route, ring, lc::alibi>;
#endif
using tiny = lc::decoder<lc::vocabulary<32>, lc::width<16>, lc::context<100>,
                         lc::repeat<2, lc::pre_norm<lc::rms_norm<>, mixer>>>;

int main() {
  lc::model<tiny> model;
  const std::uint32_t prompt[]{1, 2};
  return model.try_forward({prompt, 2}).ok() ? 0 : 1;
}
