#pragma once
/// A norm between the embedding and the first block.

#include <lacuna/block/branch.hpp>

LACUNA_BEGIN

struct no_embedding_norm;

namespace slots {
/// `embedding_norm<layer_norm<>>`, `no_embedding_norm`.
struct embedding_norm {
  using stand_in = no_embedding_norm;
};
}  // namespace slots

/// The norm of the embedded tokens, behind their positions: `decoder<..., embedding_norm<rms_norm<>>, ...>`. Peri-norm
/// may have one (Kim et al. 2025, arXiv 2502.02732); BERT and BLOOM do (arXiv 2211.05100, section 3.2.2).
template <class Norm>
struct embedding_norm {
  using slot = slots::embedding_norm;
  using norm = checked<Norm, slots::norm>;
  using parts = type_list<Norm>;
  template <class New>
  using rebuild = embedding_norm<New>;
  static constexpr auto name = fixed_string("embedding_norm<") + norm::name + ">";
};
/// The first block reads the embedding itself.
struct no_embedding_norm {
  using slot = slots::embedding_norm;
  using norm = no_norm;
  static constexpr auto name = fixed_string("no_embedding_norm");
};

LACUNA_END
