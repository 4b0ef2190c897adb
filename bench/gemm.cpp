// The dense product y = x W^T of the model's own kernel, against Eigen, OpenBLAS, oneDNN (weights packed by it) and
// libxsmm, where they are installed. Weights are packed outside the timing; what that costs is a case of its own. Bytes
// are those of x, W and y, each once.
#include "support/dense_peers.hpp"

#include <lacuna/with_simd.hpp>
#include <memory>

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
    state.counters["byte"] = 4.0 * (Tokens * Inputs + Inputs * Outputs + Tokens * Outputs);
    state.counters["token"] = double{Tokens};
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
    state.counters["byte"] = 2 * 4.0 * Inputs * Outputs;  // read and written
  });
  bench::add_dense_peers<Tokens, Inputs, Outputs>(group, p);
}

}  // namespace

int main(int count, char** arguments) {
  bench::set_blas_core_type(arguments);
  bench::add_limits({std::size_t{24} << 10, std::size_t{48} << 10, std::size_t{1} << 20, std::size_t{4} << 20,
                     std::size_t{12} << 20, std::size_t{20} << 20});
  add_shape<16, 64, 64>();
  add_shape<64, 64, 64>();
  add_shape<128, 384, 1536>();
  add_shape<128, 768, 3072>();
  add_shape<1, 64, 64>();
  add_shape<1, 288, 768>();
  add_shape<1, 768, 3072>();
  return bench::run(count, arguments, 55);
}
