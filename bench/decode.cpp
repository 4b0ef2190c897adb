// Decoding, one token at a time, with the models of the zoo: tokens per second of `forward`, and the share of it that
// the weights alone would take at the read bandwidth measured in the same run. Weights are random: speed does not see
// them.
#include <benchmark/benchmark.h>

#include <lacuna/lacuna.hpp>
#include <memory>
#include <vector>
#if __has_include(<Eigen/Core>)
#include <lacuna/with_eigen.hpp>
#endif
#if __has_include(<xsimd/xsimd.hpp>)
#include <lacuna/with_simd.hpp>
#endif

namespace {
namespace lc = lacuna;

template <class Model>
void decode(benchmark::State& state) {
  auto model = std::make_unique<Model>();
  std::uint64_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& weight : tensor.data)
          weight = static_cast<std::remove_reference_t<decltype(weight)>>(
              static_cast<float>(lc::random_normal(1, 0, counter++) * 0.05));
      },
      model->parameters_to_write());
  model->update();
  std::uint32_t token = 1;
  for (auto _ : state) {
    if (model->position() == Model::context) model->reset();
    const auto logits = model->forward({&token, 1});
    token = logits(0, 0) > logits(0, 1) ? 2 : 3;
    benchmark::DoNotOptimize(token);
  }
  state.counters["tokens/s"] = benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["weight bytes/s"] = benchmark::Counter(
      static_cast<double>(lc::parameter_bytes<typename Model::recipe_type, typename Model::numerics>) *
          static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate, benchmark::Counter::kIs1024);
}

/// Reads as many bytes as the weights of stories260k have: the limit that decoding cannot pass.
void read_bandwidth(benchmark::State& state) {
  std::vector<std::uint64_t> bytes(lc::parameter_bytes<lc::zoo::stories260k, lc::f32> / 8, 1);
  for (auto _ : state) {
    std::uint64_t sums[8]{};
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8)
      for (std::size_t j = 0; j < 8; ++j) sums[j] += bytes[i + j];
    benchmark::DoNotOptimize(sums);
  }
  state.counters["bytes/s"] =
      benchmark::Counter(static_cast<double>(8 * bytes.size()) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate, benchmark::Counter::kIs1024);
}

}  // namespace

BENCHMARK(read_bandwidth);
BENCHMARK(decode<lc::model<lc::zoo::stories260k>>)->Name("stories260k/f32/reference");
BENCHMARK(decode<lc::model<lc::zoo::stories260k, lc::bf16>>)->Name("stories260k/bf16/reference");
BENCHMARK(decode<lc::model<lc::zoo::shipped>>)->Name("shipped/f32/reference");
#if __has_include(<Eigen/Core>)
BENCHMARK(decode<lc::model<lc::zoo::stories260k, lc::eigen>>)->Name("stories260k/f32/eigen");
BENCHMARK(decode<lc::model<lc::zoo::shipped, lc::eigen>>)->Name("shipped/f32/eigen");
#endif
#if __has_include(<xsimd/xsimd.hpp>)
BENCHMARK(decode<lc::model<lc::zoo::stories260k, lc::simd>>)->Name("stories260k/f32/simd");
BENCHMARK(decode<lc::model<lc::zoo::stories260k, lc::simd, lc::bf16>>)->Name("stories260k/bf16/simd");
BENCHMARK(decode<lc::model<lc::zoo::shipped, lc::simd>>)->Name("shipped/f32/simd");
#endif

int main(int count, char** arguments) {
  benchmark::AddCustomContext("compiler", lc::compiler_name);
  benchmark::AddCustomContext("architecture", lc::architecture_name);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
