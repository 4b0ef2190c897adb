// Many feed-forwards, few for each token: four experts learn four languages, with and without a loss that spreads the
// tokens over them, beside one feed-forward that costs a token as much and one that has as many parameters.
#include "../support/fast.hpp"

#include <cstdio>
#include <lacuna/lacuna.hpp>
#include <memory>

namespace {
namespace lc = lacuna;
using examples::fast;

constexpr lc::extent_t length = 16, letters = 24, languages = 4;
constexpr std::uint64_t steps = 3000;

/// The first token names the language, and in each language every letter has one letter that follows it.
void draw(std::uint64_t number, std::uint32_t (&tokens)[length + 1]) {
  const auto language = static_cast<std::uint32_t>(languages * lc::random_uniform(11, number, 0));
  tokens[0] = letters + language;
  tokens[1] = static_cast<std::uint32_t>(letters * lc::random_uniform(11, number, 1));
  for (lc::extent_t t = 2; t <= length; ++t)
    tokens[t] = static_cast<std::uint32_t>(letters * lc::random_uniform(12, language, tokens[t - 1]));
}

template <class FeedForward>
using of = lc::decoder<lc::vocabulary<letters + languages>, lc::width<16>, lc::context<length>,
    lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::rope<>, lc::causal>, FeedForward>>;
template <lc::loss_weight Weight>
using mixture = lc::mixture<lc::experts<4>, lc::experts_per_token<1>, lc::hidden<16>, lc::gelu, lc::balance_loss<Weight>>;

template <class FeedForward>
void measure(const char* what) {
  using recipe = of<FeedForward>;
  const auto model = std::make_unique<lc::model<recipe, lc::training, fast>>();
  std::uint64_t drawn = 0;
  const auto draw_weights = [&](auto& tensor) {
    if constexpr (std::remove_reference_t<decltype(tensor)>::rank > 1)  // gains stay 1
      for (float& each : tensor.data) each = static_cast<float>(lc::random_normal(5, 0, drawn++) / 4);
  };
  lc::visit_tensors(draw_weights, model->parameters_to_write());

  lc::tensor<float, length, letters + languages> adjoint;
  double loss = 0, balance = 0;
  for (std::uint64_t step = 0; step < steps; ++step) {
    std::uint32_t tokens[length + 1];
    draw(step, tokens);
    model->update();
    model->clear_gradients();
    const auto logits = model->try_forward_to_learn({tokens, length});
    if (!logits.ok()) return;
    const double now = lc::mean_cross_entropy(*logits, {tokens + 1, length}, adjoint.first(length));
    if (step >= steps - 200) {
      loss += now / 200;
      model->visit_losses([&](const char*, double, double value) { balance += value / 200; });
    }
    if (!model->try_backward({tokens, length}, adjoint.first(length)).ok()) return;
    lc::visit_tensors(
        [](auto& weight, const auto& gradient) {
          for (lc::extent_t i = 0; i < weight.size; ++i) weight[i] -= 0.2f * gradient[i];
        },
        model->parameters_to_write(), model->gradients_to_write());
  }
  std::printf("%-42s %10zu %12llu %9.3f", what, lc::parameter_count<recipe>,
              static_cast<unsigned long long>(lc::decode_multiply_adds<recipe>(0)), loss);
  if (balance > 0) std::printf(" %9.2f", balance);
  std::puts("");
}

}  // namespace

int main() {
  std::printf("%-42s %10s %12s %9s %9s\n", "feed-forward", "parameters", "work/token", "loss", "crowding");
  measure<lc::ffn<lc::hidden<16>, lc::gelu>>("one of 16 neurons");
  // A weight so small that the loss is measured and teaches nothing.
  measure<mixture<lc::loss_weight{1e-9f}>>("four of 16, one per token");
  measure<mixture<lc::loss_weight{0.05f}>>("four of 16, one per token, spread");
  measure<lc::ffn<lc::hidden<64>, lc::gelu>>("one of 64 neurons");
  // One target of 16 is drawn at random.
  std::printf("\nthe least possible loss is %.3f\n", lc::maths::log(24.0) / 16);
  std::puts("crowding is 1 where every expert gets as many tokens, 4 where one gets them all");
}
