#pragma once
// The dense product y = x W^T by the peers that are installed: Eigen, OpenBLAS, oneDNN (weights packed by it), libxsmm.
// Weights are packed outside the timing.
//
// The operands are those of a struct with `x (tokens, inputs)`, `transposed (inputs, outputs)`: W^T, `y (tokens,
// outputs)` and `finish(state)`, which checks y and gives the costs.

#include "bench.hpp"

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

namespace bench {

/// Cases `group/Eigen`, `group/OpenBLAS`, ...
template <lacuna::extent_t Tokens, lacuna::extent_t Inputs, lacuna::extent_t Outputs, class Operands>
void add_dense_peers([[maybe_unused]] const std::string& group, [[maybe_unused]] Operands p) {
#if LACUNA_BENCH_EIGEN
  add(group + "/Eigen", [p](benchmark::State& state) {
    using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<const matrix> x(p->x.data, Tokens, Inputs), w(p->transposed.data, Inputs, Outputs);
    Eigen::Map<matrix> y(p->y.data, Tokens, Outputs);
    p->y.view().fill(0);
    for (auto _ : state) y.noalias() = x * w;
    p->finish(state);
  });
#endif
#if LACUNA_BENCH_OPENBLAS
  add(group + "/OpenBLAS", [p](benchmark::State& state) {
    p->y.view().fill(0);
    for (auto _ : state)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, Tokens, Outputs, Inputs, 1.0f, p->x.data, Inputs,
                  p->transposed.data, Outputs, 0.0f, p->y.data, Outputs);
    p->finish(state);
  });
#endif
#if LACUNA_BENCH_ONEDNN
  add(group + "/oneDNN packed", [p](benchmark::State& state) {
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
  add(group + "/libxsmm", [p](benchmark::State& state) {
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

}  // namespace bench
