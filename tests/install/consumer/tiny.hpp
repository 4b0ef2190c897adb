#pragma once
// A decoder small enough for a consumer test. Its own code is local to each translation unit, so that whatever two
// units share, they share through lacuna.
#include <lacuna/lacuna.hpp>

namespace {

namespace lc = lacuna;

using tiny = lc::decoder<lc::vocabulary<8>, lc::width<8>, lc::context<4>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<2>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>>>;

/// The first logit after three tokens, with weights that are a simple sequence.
float tiny_logit() {
  lc::model<tiny, lc::in_place> model;
  int next = 0;
  lc::visit_tensors(
      [&next](auto& tensor) {
        for (auto& weight : tensor.data) weight = static_cast<float>(++next % 13 - 6) / 16.0f;
      },
      model.parameters_to_write());
  model.update();
  const unsigned tokens[] = {1, 5, 2};
  const auto logits = model.try_forward({tokens, 3});
  return logits.ok() ? (*logits)(0, 0) : -1.0f;
}

}  // namespace
