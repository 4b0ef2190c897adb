// What the trained model leaves unused: silent neurons layer by layer, then feed-forwards that leave more out on purpose,
// and what that costs on text it has never seen. The weights are the shipped model's in every line.
//   12_silent_neurons [PIECES]     pieces of 256 characters to average over, 8 if not given
#include "../support/options.hpp"
#include "../support/shipped_text.hpp"

#include <algorithm>
#include <map>

namespace {
namespace lc = lacuna;
using examples::fast;
using shipped = lc::zoo::shipped;

/// Multiply-adds of everything but attention's mixing.
struct product_work {
  std::uint64_t multiply_adds = 0;
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, lc::ran_on<Backend>, const Arguments&... arguments) {
    if constexpr (!lc::same<Operation, lc::operation::attend>) multiply_adds += Operation::multiply_adds(arguments...);
  }
};
double dense_work = 0;

/// Copies the shipped weights by path; what a variant has beside them stays as it is.
template <class Model>
void copy_weights(Model& to, const lc::model<shipped, fast>& from) {
  std::map<std::string, const float*> known;
  lc::visit_named([&](const char* path, const auto& of) { known[path] = of.data; }, from.parameters());
  lc::visit_named(
      [&](const char* path, auto& of) {
        if (const auto found = known.find(path); found != known.end())
          std::copy_n(found->second, of.size, of.data);
      },
      to.parameters_to_write());
  to.update();
}

template <class Model>
void report(const char* what, Model& model, const examples::shipped_text& text, lc::extent_t pieces) {
  product_work work;
  const double loss = examples::held_out_loss(model, text, pieces, work);
  if (dense_work == 0) dense_work = static_cast<double>(work.multiply_adds);
  std::printf("%-48s %7.3f %8.1f %%\n", what, loss, 100 * static_cast<double>(work.multiply_adds) / dense_work);
}
template <class Recipe>
void measure(const char* what, const lc::model<shipped, fast>& from, const examples::shipped_text& text,
             lc::extent_t pieces) {
  lc::model<Recipe, fast> model;
  copy_weights(model, from);
  report(what, model, text, pieces);
}

/// Shares of active neurons, layer by layer. Neurons are what the down projection is given: they are recorded there.
void print_layers(lc::model<shipped, fast>& model, const examples::shipped_text& text) {
  std::printf("active neurons, by layer:");
  for (lc::extent_t layer = 0; layer < 4; ++layer) {
    const auto& down = model.parameters().body_part[0][layer].at<1>().sublayer_part.down;
    static lc::tensor<float, 256, 512> neurons;
    lc::input_recorder recorder(down.weight, neurons.view());
    model.reset();
    examples::unless_wrong(model.try_forward_watched(lc::watched{model.backend(), recorder}, {text.tokens.data(), 256},
                                                     [](lc::extent_t, const auto&) {}));
    std::size_t active = 0;
    for (const float neuron : neurons.data) active += neuron != 0 ? 1 : 0;
    std::printf(" %.1f %%", 100.0 * static_cast<double>(active) / static_cast<double>(neurons.size));
  }
  std::puts("");
}

/// Thresholds such that a share of every feed-forward's inputs is left out, taken from text that is not measured.
template <class Model>
void set_thresholds(Model& model, const examples::shipped_text& text, double share) {
  const auto* tokens = text.tokens.data() + text.tokens.size() - 256;
  for (lc::extent_t layer = 0; layer < 4; ++layer) {
    auto& up = model.parameters_to_write().body_part[0][layer].template at<1>().sublayer_part.up;
    static lc::tensor<float, 256, 128> inputs;
    lc::input_recorder recorder(up.weight, inputs.view());
    model.reset();
    examples::unless_wrong(model.try_forward_watched(lc::watched{model.backend(), recorder}, {tokens, 256},
                                                     [](lc::extent_t, const auto&) {}));
    up.threshold[0] = lc::magnitude_quantile(inputs.view(), share);
    model.update();
  }
}

template <lc::extent_t Kept>
using largest = lc::substitute<shipped, lc::relu, lc::top_k_activation<Kept, lc::relu>>;
using feed_forward = lc::ffn<lc::hidden<512>, lc::relu>;

}  // namespace

int main(int count, char** arguments) {
  if (count > 2) examples::stop("usage: 12_silent_neurons [PIECES from 1 to 400]");
  const double asked = count == 2 ? examples::number_in(arguments[1], "12_silent_neurons", "PIECES", 1, 400) : 8;
  const auto pieces = static_cast<lc::extent_t>(asked);
  const examples::shipped_text text;
  lc::model<shipped, fast> model;
  examples::unless_wrong(lc::try_load_into(model, text.checkpoint));
  print_layers(model, text);

  std::printf("\n%-48s %7s %10s\n", "feed-forward", "loss", "work");
  report("as trained", model, text, pieces);
  measure<lc::substitute<shipped, feed_forward, lc::ffn<lc::hidden<512>, lc::relu, lc::skips_zeros>>>(
      "zeros skipped", model, text, pieces);
  measure<lc::substitute<shipped, feed_forward, lc::ffn<lc::hidden<512>, lc::relu, lc::predicted<lc::oracle>>>>(
      "the true answer predicted (the oracle's price in)", model, text, pieces);
  measure<largest<64>>("the 64 largest of 512 kept", model, text, pieces);
  measure<largest<16>>("the 16 largest kept", model, text, pieces);

  lc::model<lc::substitute<shipped, lc::dense, lc::thresholded>, fast> thresholded;
  copy_weights(thresholded, model);
  set_thresholds(thresholded, text, 0.3);
  report("the smallest 30 % of its inputs left out", thresholded, text, pieces);
  set_thresholds(thresholded, text, 0.6);
  report("the smallest 60 % of its inputs left out", thresholded, text, pieces);
}
