// Twelve layers, each of another type, for training.
#include <lacuna/lacuna.hpp>

namespace lc = lacuna;

template <lc::extent_t Hidden>
using layer = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
    lc::ffn<lc::hidden<Hidden>, lc::gated<lc::silu>>>;

using recipe = lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<64>, layer<96>, layer<104>, layer<112>,
    layer<120>, layer<128>, layer<136>, layer<144>, layer<152>, layer<160>, layer<168>, layer<176>, layer<184>>;

bool learn(lc::model<recipe, lc::training>& model, lc::token_view tokens) {
  const auto logits = model.try_forward_to_learn(tokens);
  return logits.ok() && model.try_backward(tokens, *logits).ok();
}
