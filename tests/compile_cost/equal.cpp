// LAYERS equal layers of the size of stories260K, for inference, on BACKEND; with WATCHED also a forward that a probe sees.
#include <lacuna/lacuna.hpp>
#if WITH_SIMD
#include <lacuna/with_simd.hpp>
#define BACKEND simd
#else
#define BACKEND reference
#endif

namespace lc = lacuna;

using recipe = lc::decoder<lc::vocabulary<512>, lc::width<64>, lc::context<512>,
    lc::repeat<LAYERS, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<8>, lc::kv_heads<4>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<172>, lc::gated<lc::silu>>>>,
    lc::tied_head>;

#if WATCHED
bool watch(lc::model<recipe, lc::BACKEND>& model, lc::token_view tokens, lc::residual_counter<2 * LAYERS>& counter) {
  const lc::watched watching{model.backend(), counter};
  return model.try_forward_watched(watching, tokens, [](lc::extent_t, const auto&) {}).ok();
}
#endif
float first_logit(lc::model<recipe, lc::BACKEND>& model, lc::token_view tokens) {
  const auto logits = model.try_forward(tokens);
  return logits.ok() ? (*logits)(0, 0) : 0.0f;
}
