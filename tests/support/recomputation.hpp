#pragma once
/// Models of blocks that are recomputed beside models of blocks that are not.

#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <vector>

namespace recomputation {
namespace lc = lacuna;

template <class... Blocks>
using decoder = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, Blocks...>;
template <lc::extent_t Layers, class Block>
using layers = decoder<lc::repeat<Layers, Block>>;
template <class Block>
struct kept {
  using type = Block;
};
template <class Block>
struct anew {
  using type = lc::recomputed<Block>;
};

using grouped = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>;
using gated = lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>;
using block = lc::pre_norm<lc::rms_norm<>, grouped, gated>;
template <class Sublayer>
using dropped = lc::dropout<Sublayer, lc::probability{0.25}>;
using dropping = lc::pre_norm<lc::rms_norm<>, dropped<grouped>, dropped<gated>>;

inline constexpr std::uint32_t tokens[13]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 10};
inline constexpr lc::extent_t length = 12;

/// Logits, losses, taps and all gradients of a stream, after another one.
template <class Recipe, class... Options>
std::vector<double> learn(bool draws) {
  using model_type = lc::model<Recipe, lc::training, Options...>;
  using value = typename model_type::value;
  const auto model = std::make_unique<model_type>();
  recipes::randomise(*model, 3, 0.4);
  std::vector<double> all;
  std::vector<value> adjoint(20 * 11);
  for (const lc::extent_t from : {lc::extent_t{4}, lc::extent_t{0}}) {
    const lc::extent_t count = length - from;
    if (draws) model->draw({7, from});
    const auto logits = model->try_forward_to_learn({tokens + from, count});
    REQUIRE(logits.ok());
    all.insert(all.end(), logits->data, logits->data + count * 11);
    const lc::rows<value, 11> into(adjoint.data(), count);
    all.push_back(lc::mean_cross_entropy(*logits, {tokens + from + 1, count}, into));
    model->visit_taps([&](const std::string& path, auto seen, auto tapped) {
      CHECK(path == "blocks.4");
      all.insert(all.end(), seen.data, seen.data + count * 8);
      for (lc::extent_t i = 0; i < count * 8; ++i) tapped.data[i] = static_cast<value>(lc::random_normal(6, from, i));
    });
    REQUIRE(model->try_backward({tokens + from, count}, lc::readable(into)).ok());
  }
  lc::visit_tensors([&](auto& of) { all.insert(all.end(), std::begin(of.data), std::end(of.data)); },
                    model->gradients_to_write());
  return all;
}
/// Whether two recipes teach the same, with draws and without.
template <class Recipe, class Anew, class... Options>
void compare() {
  for (const bool draws : {false, true}) {
    const auto with = learn<Anew, Options...>(draws), without = learn<Recipe, Options...>(draws);
    CHECK(with == without);
  }
}

}  // namespace recomputation
