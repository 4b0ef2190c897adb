// One token through the feed-forward 768-3072-768 with relu, a tenth of the neurons active: with all neurons computed,
// with the zeros skipped in the down projection, and with the mask given, so that both projections skip. Inputs rotate,
// so that every call reads other rows. The feed-forwards are those that models run.
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

/// Weights and inputs with which a tenth of the neurons is active, another tenth for each input.
template <class Element>
struct problem {
  layer<Element> all;
  layer<Element, lc::skips_zeros> skipping;
  layer<Element, lc::predicted<lc::oracle>> listed;
  lc::tensor<float, inputs, width> x;
  lc::tensor<float, inputs, width> expected;
  lc::tensor<float, 1, width> y;
  lc::active_lists<inputs, hidden> lists;
  double share = 0;

  problem() {
    std::uint64_t drawn = 0;
    const auto draw = [&] { return static_cast<float>(lc::random_normal(1, 0, drawn++)); };
    for (float& of : x.data) of = draw();
    for (auto& of : all.parameters.up.weight.data) of = lc::convert_element<Element>(draw() / std::sqrt(float{width}));
    for (auto& of : all.parameters.down.weight.data) of = lc::convert_element<Element>(draw() / std::sqrt(float{hidden}));
    // The first input is 1, and its weights hold the neurons down.
    for (lc::extent_t i = 0; i < inputs; ++i) x[i * width] = 1;
    for (lc::extent_t u = 0; u < hidden; ++u)
      all.parameters.up.weight[u * width] = lc::convert_element<Element>(-static_cast<float>(quantile));
    const auto share_weights = [&](auto& other) {
      other.parameters.up.weight = all.parameters.up.weight;
      other.parameters.down.weight = all.parameters.down.weight;
      std::remove_reference_t<decltype(other)>::component::refresh(other.parameters, other.derived);
    };
    share_weights(all), share_weights(skipping), share_weights(listed);
    for (lc::extent_t i = 0; i < inputs; ++i) {
      decltype(all)::component::forward(all.values(), input(i), expected.first(inputs).slice(i, 1), all.run());
      lc::op::find_active(
          lc::active_view<std::uint32_t, hidden>(lists.numbers.data + i * hidden, lists.sizes.data + i, 1),
          all.memory.up.view(), lc::active::above<float>{0}, lc::simd{});
      share += static_cast<double>(lists.sizes[i]) / hidden / inputs;
    }
  }
  lc::rows<float, width> input(lc::extent_t i) { return {x.data + i * width, 1}; }
  auto list(lc::extent_t i) const {
    return lc::active_view<const std::uint32_t, hidden>(lists.numbers.data + i * hidden, lists.sizes.data + i, 1);
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
    state.counters["byte"] = byte;
  }
};

template <class Element>
void add_cases(const std::string& element) {
  using lc::huge_pages;
  auto* at = static_cast<problem<Element>*>(huge_pages::allocate(sizeof(problem<Element>), std::size_t{1} << 21));
  auto* p = new (at) problem<Element>;  // lives as long as the program
  benchmark::AddCustomContext("active neurons, " + element, std::to_string(p->share));
  constexpr double weight = double{width} * hidden * sizeof(Element);
  const auto dense = [p](benchmark::State& state) {
    p->time(state, 2 * weight, [p](lc::extent_t i) {
      decltype(p->all)::component::forward(p->all.values(), p->input(i), p->y.view(), p->all.run());
    });
  };
  const std::string skip = "ffn " + element + ", zeros skipped", given = "ffn " + element + ", mask given";
  bench::add(skip + "/lacuna", [p](benchmark::State& state) {
    p->time(state, (1 + p->share) * weight, [p](lc::extent_t i) {
      decltype(p->skipping)::component::forward(p->skipping.values(), p->input(i), p->y.view(), p->skipping.run());
    });
  });
  bench::add(skip + "/all neurons", dense);
  bench::add(given + "/lacuna", [p](benchmark::State& state) {
    p->time(state, 2 * p->share * weight, [p](lc::extent_t i) {
      decltype(p->listed)::component::form::forward_listed(p->listed.values(), p->list(i), p->input(i), p->y.view(),
                                                           p->listed.run());
    });
  });
  bench::add(given + "/all neurons", dense);
}

}  // namespace

int main(int count, char** arguments) {
  bench::add_limits({std::size_t{2} * width * hidden * sizeof(float)});
  benchmark::AddCustomContext("shape", "768-3072-768, relu, one token, one thread, 64 inputs in turn");
  add_cases<float>("f32");
  return bench::run(count, arguments);
}
