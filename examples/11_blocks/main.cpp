// The same sublayers, wired differently: eight layers each, the same random weights. How much of the gradient reaches
// the first layer, and what is learned in the same number of steps at three step sizes.
#include "../support/fast.hpp"

#include <cmath>
#include <cstdio>
#include <lacuna/lacuna.hpp>
#include <memory>

namespace {
namespace lc = lacuna;
using examples::fast;

constexpr lc::extent_t layers = 8, length = 24, vocabulary = 8;
using mixer = lc::attention<lc::heads<2>, lc::rope<>, lc::causal>;
using feed_forward = lc::ffn<lc::hidden<32>, lc::gelu>;
using norm = lc::rms_norm<>;

template <class Block>
using of = lc::decoder<lc::vocabulary<vocabulary>, lc::width<16>, lc::context<length>, lc::repeat<layers, Block>>;

/// A sequence in which every token repeats the one five before it.
void draw(std::uint64_t number, std::uint32_t (&tokens)[length + 1]) {
  for (lc::extent_t t = 0; t <= length; ++t)
    tokens[t] = t < 5 ? static_cast<std::uint32_t>(vocabulary * lc::random_uniform(3, number, t)) : tokens[t - 5];
}

template <class Recipe>
struct trainee {
  lc::model<Recipe, lc::training, fast> model;
  lc::tensor<float, length, vocabulary> adjoint;

  trainee() {
    std::uint64_t drawn = 0;
    const auto draw_weights = [&](auto& of) {
      if constexpr (std::remove_reference_t<decltype(of)>::rank > 1)  // gains stay 1
        for (float& each : of.data) each = static_cast<float>(lc::random_normal(5, 0, drawn++) / 4);
    };
    lc::visit_tensors(draw_weights, model.parameters_to_write());
    model.update();
  }
  /// Loss on one sequence, and its gradients.
  double learn(std::uint64_t number) {
    std::uint32_t tokens[length + 1];
    draw(number, tokens);
    model.clear_gradients();
    const auto logits = model.try_forward_to_learn({tokens, length});
    if (!logits.ok()) return NAN;
    const double loss = lc::mean_cross_entropy(*logits, {tokens + 1, length}, adjoint.first(length));
    return model.try_backward({tokens, length}, adjoint.first(length)).ok() ? loss : NAN;
  }
  void step(float size) {
    lc::visit_tensors(
        [&](auto& weight, const auto& gradient) {
          for (lc::extent_t i = 0; i < weight.size; ++i) weight[i] -= size * gradient[i];
        },
        model.parameters_to_write(), model.gradients_to_write());
    model.update();
  }
  /// Root of the squares of one layer's gradients.
  double gradient_of(lc::extent_t layer) {
    double sum = 0;
    lc::visit_tensors([&](const auto& of) { for (const float each : of.data) sum += double{each} * double{each}; },
                      model.gradients_to_write().body_part[0][layer]);
    return std::sqrt(sum);
  }
};

template <class Block>
void measure(const char* what) {
  const auto fresh = std::make_unique<trainee<of<Block>>>();
  fresh->learn(1000);
  std::printf("%-14s %10zu %12.3f   ", what, lc::parameter_count<of<Block>>,
              fresh->gradient_of(0) / fresh->gradient_of(layers - 1));
  for (const float size : {0.03f, 0.1f, 0.3f}) {
    const auto learner = std::make_unique<trainee<of<Block>>>();
    double last = 0;
    for (std::uint64_t i = 0; i < 1200; ++i) {
      const double loss = learner->learn(i);
      if (i >= 1180) last += loss / 20;
      learner->step(size);
    }
    if (std::isfinite(last))
      std::printf("%9.3f", last);
    else
      std::printf("%9s", "lost");
  }
  std::puts("");
}

}  // namespace

int main() {
  std::printf("%-14s %10s %12s   %s\n", "wiring", "parameters", "first / last", "loss at steps of 0.03, 0.1, 0.3");
  measure<lc::pre_norm<norm, mixer, feed_forward>>("pre_norm");
  measure<lc::post_norm<norm, mixer, feed_forward>>("post_norm");
  measure<lc::peri_norm<norm, mixer, feed_forward>>("peri_norm");
  measure<lc::output_norm<norm, mixer, feed_forward>>("output_norm");
  measure<lc::parallel<norm, mixer, feed_forward>>("parallel");
  std::puts("\nfirst / last: the gradient of the first layer's weights over that of the last one's, before learning");
}
