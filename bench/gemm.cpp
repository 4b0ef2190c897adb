// The dense product y = x W^T of the model's own kernel, against Eigen, OpenBLAS, oneDNN (weights packed by it) and
// libxsmm, where they are installed. Weights are packed outside the timing; what that costs is a case of its own.
#include "support/bench.hpp"

#include <lacuna/with_simd.hpp>
#include <memory>
#if LACUNA_BENCH_EIGEN
#include <Eigen/Core>
#endif
#if LACUNA_BENCH_OPENBLAS
#include <cblas.h>
#endif
#if LACUNA_BENCH_ONEDNN
#include <dnnl.hpp>
#endif
#if LACUNA_BENCH_XSMM
#include <libxsmm.h>
#endif

namespace {
namespace lc = lacuna;

template <lc::extent_t Tokens, lc::extent_t Inputs, lc::extent_t Outputs>
struct product {
  lc::tensor<float, Tokens, Inputs> x;
  lc::tensor<float, Outputs, Inputs> weight;
  lc::tensor<float, Inputs, Outputs> transposed;
  lc::tensor<float, Tokens, Outputs> y, expected;
  lc::simd_lanes::panels<float, Outputs, Inputs> packed;

  product() {
    std::uint64_t drawn = 0;
    for (float& of : x.data) of = static_cast<float>(lc::random_normal(1, 0, drawn++));
    for (float& of : weight.data) of = static_cast<float>(lc::random_normal(1, 1, drawn++));
    for (lc::extent_t o = 0; o < Outputs; ++o)
      for (lc::extent_t i = 0; i < Inputs; ++i) transposed[i * Outputs + o] = weight[o * Inputs + i];
    packed.pack(weight);
    lc::op::multiply(expected.view(), x.view(), weight, lc::nothing{}, lc::reference{});
  }
  /// Every case computes the product, or it is no case.
  bool right() const {
    for (lc::extent_t i = 0; i < Tokens * Outputs; ++i)
      if (std::abs(y[i] - expected[i]) > 1e-3f) return false;
    return true;
  }
  void finish(benchmark::State& state) const {
    if (!right()) state.SkipWithError("the result is wrong");
    state.counters["flop"] = 2.0 * Tokens * Inputs * Outputs;
  }
};

template <lc::extent_t Tokens, lc::extent_t Inputs, lc::extent_t Outputs>
void add_shape() {
  auto p = std::make_shared<product<Tokens, Inputs, Outputs>>();
  const std::string group =
      "gemm " + std::to_string(Tokens) + "," + std::to_string(Inputs) + "," + std::to_string(Outputs);
  bench::add(group + "/lacuna", [p](benchmark::State& state) {
    p->y.view().fill(0);
    for (auto _ : state) lc::op::multiply(p->y.view(), p->x.view(), p->weight, p->packed, lc::simd{});
    p->finish(state);
  });
  bench::add(group + "/packing (lacuna)", [p](benchmark::State& state) {
    for (auto _ : state) p->packed.pack(p->weight);
  });
#if LACUNA_BENCH_EIGEN
  bench::add(group + "/Eigen", [p](benchmark::State& state) {
    using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<const matrix> x(p->x.data, Tokens, Inputs), w(p->transposed.data, Inputs, Outputs);
    Eigen::Map<matrix> y(p->y.data, Tokens, Outputs);
    p->y.view().fill(0);
    for (auto _ : state) y.noalias() = x * w;
    p->finish(state);
  });
#endif
#if LACUNA_BENCH_OPENBLAS
  bench::add(group + "/OpenBLAS", [p](benchmark::State& state) {
    p->y.view().fill(0);
    for (auto _ : state)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Tokens, Outputs, Inputs, 1.0f, p->x.data, Inputs,
                  p->transposed.data, Outputs, 0.0f, p->y.data, Outputs);
    p->finish(state);
  });
#endif
#if LACUNA_BENCH_ONEDNN
  bench::add(group + "/oneDNN packed", [p](benchmark::State& state) {
    using dnnl::memory;
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    const memory::desc x({Tokens, Inputs}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc y({Tokens, Outputs}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc plain({Inputs, Outputs}, memory::data_type::f32, memory::format_tag::ab);
    const memory::desc any({Inputs, Outputs}, memory::data_type::f32, memory::format_tag::any);
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(x, any, y), engine);
    memory from(plain, engine, p->transposed.data), weights(description.weights_desc(), engine);
    dnnl::reorder(from, weights).execute(stream, from, weights);
    memory input(x, engine, p->x.data), output(y, engine, p->y.data);
    dnnl::matmul multiply(description);
    p->y.view().fill(0);
    for (auto _ : state) {
      multiply.execute(stream, {{DNNL_ARG_SRC, input}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, output}});
      stream.wait();
    }
    p->finish(state);
  });
#endif
#if LACUNA_BENCH_XSMM
  bench::add(group + "/libxsmm", [p](benchmark::State& state) {
    // Column-major: y^T (outputs x tokens) = W^T as stored by inputs, times x^T.
    const auto kernel =
        libxsmm_smmdispatch(Outputs, Tokens, Inputs, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    static const float zero = 0;
    const auto clearing =
        libxsmm_smmdispatch(Outputs, Tokens, Inputs, nullptr, nullptr, nullptr, nullptr, &zero, nullptr, nullptr);
    if (kernel == nullptr || clearing == nullptr) {
      state.SkipWithError("no kernel for this shape");
      return;
    }
    p->y.view().fill(0);
    for (auto _ : state) clearing(p->transposed.data, p->x.data, p->y.data);
    p->finish(state);
  });
#endif
}

}  // namespace

int main(int count, char** arguments) {
  bench::set_blas_core_type(arguments);
  bench::add_limits({});
  add_shape<16, 64, 64>();
  add_shape<64, 64, 64>();
  add_shape<128, 384, 1536>();
  add_shape<128, 768, 3072>();
  add_shape<1, 64, 64>();
  add_shape<1, 288, 768>();
  add_shape<1, 768, 3072>();
  return bench::run(count, arguments);
}
