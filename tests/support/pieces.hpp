#pragma once
// The logits of a drawn stream, taken in pieces.

#include <doctest/doctest.h>
#include <algorithm>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <vector>

/// A model with every parameter moved by normal numbers.
template <class Recipe>
std::unique_ptr<lacuna::model<Recipe>> random_model() {
  auto model = std::make_unique<lacuna::model<Recipe>>();
  std::uint64_t drawn = 0;
  lacuna::visit_tensors(
      [&](auto& tensor) {
        for (auto& of : tensor.data) of += static_cast<float>(0.4 * lacuna::random_normal(4, 1, drawn++));
      },
      model->parameters_to_write());
  model->update();
  return model;
}
/// All logits of `count` tokens in pieces of `piece`, of a vocabulary of 11: of a second stream, which starts from an
/// empty state.
template <class Recipe>
std::vector<float> logits_in_pieces(lacuna::extent_t count, lacuna::extent_t piece) {
  const auto model = random_model<Recipe>();
  std::vector<std::uint32_t> stream(count);
  for (lacuna::extent_t t = 0; t < count; ++t)
    stream[t] = static_cast<std::uint32_t>(lacuna::random_bits(8, 0, t).word[0] % 11);
  std::vector<float> all;
  for (int again = 0; again < 2; ++again) {
    all.clear();
    model->reset();
    for (lacuna::extent_t t = 0; t < count; t += piece)
      REQUIRE(model
                  ->try_forward(
                      {stream.data() + t, std::min(piece, count - t)},
                      [&](lacuna::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
                  .ok());
  }
  return all;
}
