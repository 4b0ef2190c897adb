// One token through the feed-forward 768-3072-768 with relu, a tenth of the neurons active: with all neurons computed,
// with the zeros skipped in the down projection, and with the mask given, so that both projections skip. Inputs rotate,
// so that every call reads other rows. The feed-forwards are those that models run; "all neurons ... times ours" is the
// speed-up.
#include "support/bench.hpp"

#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t width = 768, hidden = 3072, inputs = 64;
constexpr double quantile = 1.2815515655446004;  // of the normal distribution: a tenth lies above

/// A feed-forward with its data, as a model holds it.
template <class Element, class... Policies>
struct layer {
  using component = typename lc::ffn<lc::hidden<hidden>, lc::relu, Policies...>::template bound<lc::place<width, 1>>;
  typename component::template parameters<lc::weights<Element>> parameters;
  typename component::template state<lc::weights<float>> state;
  typename component::template memory<lc::reuse<float, 1>> memory;
  typename component::template derived<lc::target<Element, float, lc::simd>> derived;
  lc::nothing shared;
  lc::simd backend;

  auto values() { return lc::values{parameters, state, memory, derived}; }
  auto run() const { return lc::run<lc::simd, lc::nothing>{0, backend, shared}; }
};

/// Layers with which a tenth of the neurons is active, another tenth for each input, in three forms.
template <class Element, lc::extent_t Layers>
struct problem {
  layer<Element> all[Layers];
  layer<Element, lc::skips_zeros> skipping[Layers];
  layer<Element, lc::predicted<lc::oracle>> listed[Layers];
  lc::tensor<float, inputs, width> x;
  lc::tensor<float, inputs, width> expected;
  lc::tensor<float, 1, width> y;
  lc::active_lists<inputs, hidden> lists;
  double share = 0;

  problem() {
    std::uint64_t drawn = 0;
    const auto draw = [&] { return static_cast<float>(lc::random_normal(1, 0, drawn++)); };
    for (float& of : x.data) of = draw();
    // The first input is 1, and its weights hold the neurons down.
    for (lc::extent_t i = 0; i < inputs; ++i) x[i * width] = 1;
    auto& first = all[0].parameters;
    for (auto& of : first.up.weight.data) of = lc::convert_element<Element>(draw() / std::sqrt(float{width}));
    for (auto& of : first.down.weight.data) of = lc::convert_element<Element>(draw() / std::sqrt(float{hidden}));
    for (lc::extent_t u = 0; u < hidden; ++u)
      first.up.weight[u * width] = lc::convert_element<Element>(-static_cast<float>(quantile));
    const auto share_weights = [&](auto& layers) {
      for (auto& other : layers) {
        other.parameters.up.weight = first.up.weight;
        other.parameters.down.weight = first.down.weight;
        std::remove_reference_t<decltype(other)>::component::refresh(other.parameters, other.derived);
      }
    };
    share_weights(all), share_weights(skipping), share_weights(listed);
    for (lc::extent_t i = 0; i < inputs; ++i) {
      run(all[0], i);
      for (lc::extent_t c = 0; c < width; ++c) expected[i * width + c] = y[c];
      lc::op::find_active(
          lc::active_view<std::uint32_t, hidden>(lists.numbers.data + i * hidden, lists.sizes.data + i, 1),
          all[0].memory.up.view(), lc::active::above<float>{0}, lc::simd{});
      share += static_cast<double>(lists.sizes[i]) / hidden / inputs;
    }
  }
  lc::rows<float, width> input(lc::extent_t i) { return {x.data + i * width, 1}; }
  template <class Layer>
  void run(Layer& with, lc::extent_t i) {
    Layer::component::forward(with.values(), input(i), y.view(), with.run());
  }
  void run_listed(lc::extent_t i) {
    auto& with = listed[i % Layers];
    const lc::active_view<const std::uint32_t, hidden> list(lists.numbers.data + i * hidden, lists.sizes.data + i, 1);
    std::remove_reference_t<decltype(with)>::component::form::forward_listed(with.values(), list, input(i), y.view(),
                                                                             with.run());
  }
  /// Runs `forward(input number)` over the inputs in turn, checks every result, and says what was read.
  template <class Forward>
  void time(benchmark::State& state, double byte, Forward&& forward) {
    for (lc::extent_t i = 0; i < inputs; ++i) {
      forward(i);
      for (lc::extent_t c = 0; c < width; ++c)
        if (!(std::abs(y[c] - expected[i * width + c]) < 1e-5f)) return state.SkipWithError("the result is wrong");
    }
    lc::extent_t i = 0;
    for (auto _ : state) forward(i), i = (i + 1) % inputs;
    state.counters["flop"] = 2 * byte / sizeof(Element);  // a multiply-add for each weight that is read
    state.counters["byte"] = byte;
    state.counters["token"] = 1;
    state.counters["set"] = double{2 * Layers * width * hidden * sizeof(Element)};
  }
};

/// Cases of `Layers` layers that are run in turn: one stays in the last cache of most machines, four do not.
template <class Element, lc::extent_t Layers>
void add_cases(const std::string& title) {
  using type = problem<Element, Layers>;
  // Lives as long as the program.
  auto* p = new (lc::huge_pages::allocate(sizeof(type), std::size_t{1} << 21)) type;
  benchmark::AddCustomContext("active neurons, " + title, std::to_string(p->share));
  constexpr double weight = double{width} * hidden * sizeof(Element);
  const auto dense = [p](benchmark::State& state) {
    p->time(state, 2 * weight, [p](lc::extent_t i) { p->run(p->all[i % Layers], i); });
  };
  bench::add(title + ", zeros skipped/lacuna", [p](benchmark::State& state) {
    p->time(state, (1 + p->share) * weight, [p](lc::extent_t i) { p->run(p->skipping[i % Layers], i); });
  });
  bench::add(title + ", zeros skipped/all neurons", dense);
  bench::add(title + ", mask given/lacuna", [p](benchmark::State& state) {
    p->time(state, 2 * p->share * weight, [p](lc::extent_t i) { p->run_listed(i); });
  });
  bench::add(title + ", mask given/all neurons", dense);
}

}  // namespace

int main(int count, char** arguments) {
  constexpr std::size_t weights = std::size_t{2} * width * hidden * sizeof(float);
  bench::add_limits({weights, 4 * weights});
  benchmark::AddCustomContext("shape", "768-3072-768, relu, one token, one thread, 64 inputs in turn");
  add_cases<float, 1>("f32, one layer");
  add_cases<float, 4>("f32, four layers");
  return bench::run(count, arguments, 55);
}
