// Fused expressions through the backend, beside loops written by hand with the same lanes, and beside three passes: of
// one token, whose numbers stay in the nearest caches.
#include "support/bench.hpp"

#include <cmath>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;
using lc::simd_lanes::lanes;
constexpr std::size_t n = lanes::lane_count;

template <lc::extent_t Columns>
struct operands {
  lc::tensor<float, 1, Columns> x, g, u, y, z;
  lc::tensor<float, Columns> gain;
  operands() {
    std::uint64_t drawn = 0;
    const auto draw = [&](auto& tensor) {
      for (float& of : tensor.data) of = static_cast<float>(lc::random_normal(1, 0, drawn++));
    };
    draw(x), draw(g), draw(u), draw(gain);
  }
};

LACUNA_INLINE lanes part(const float* from, std::size_t at, std::size_t columns) {
  return at + n <= columns ? lanes::load(from + at) : lanes::load_part(from + at, columns - at);
}
LACUNA_INLINE void put(lanes of, float* to, std::size_t at, std::size_t columns) {
  at + n <= columns ? of.store(to + at) : of.store_part(to + at, columns - at);
}

template <lc::extent_t Columns>
__attribute__((noinline)) void gate_by_hand(float* y, const float* x, const float* g, const float* u) {
  for (std::size_t c = 0; c < Columns; c += n) {
    const lanes gate = part(g, c, Columns);
    const lanes silu = gate * (lanes(1) / (lanes(1) + lane_exp(-gate)));
    put(part(x, c, Columns) + silu * part(u, c, Columns), y, c, Columns);
  }
}
template <lc::extent_t Columns>
__attribute__((noinline)) void norm_by_hand(float* y, const float* x, const float* gain) {
  lanes sums[4]{lanes(0), lanes(0), lanes(0), lanes(0)};
  constexpr std::size_t fours = Columns / (4 * n) * 4 * n;
  for (std::size_t c = 0; c < fours; c += 4 * n)
    for (std::size_t r = 0; r < 4; ++r) {
      const lanes of = lanes::load(x + c + r * n);
      sums[r] = multiply_add(of, of, sums[r]);
    }
  for (std::size_t c = fours; c < Columns; c += n) {
    const lanes of = part(x, c, Columns);
    sums[c / n % 4] = multiply_add(of, of, sums[c / n % 4]);
  }
  const float total = sum_of((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const lanes inverse(1 / std::sqrt(total / static_cast<float>(Columns) + 1e-5f));
  for (std::size_t c = 0; c < Columns; c += n)
    put(part(x, c, Columns) * inverse * part(gain, c, Columns), y, c, Columns);
}
template <lc::extent_t Columns>
__attribute__((noinline)) void gate_by_expression(operands<Columns>& of) {
  lc::op::evaluate(of.y.view(), of.x.view() + lc::map<lc::silu>(of.g.view()) * of.u.view(), lc::simd{});
}
template <lc::extent_t Columns>
__attribute__((noinline)) void norm_by_expression(operands<Columns>& of) {
  const auto x = of.x.view();
  lc::op::evaluate(of.y.view(), x * lc::inverse_root(lc::row_mean(x * x) + 1e-5f) * of.gain, lc::simd{});
}

/// What an element of a row costs. Operations are those that lanes do with numbers: a multiply-add is two, a division
/// one; signs, comparisons, choices, conversions to whole numbers, and what a row takes once, are none. Numbers are
/// those that are read and written by each pass over memory.
struct cost {
  double operations, numbers;
};
/// The e^-g of `lane_exp` takes 19: 7 multiply-adds, and 5 single sums and products, of which the power of two takes 2
/// (with AVX-512 one).
constexpr double exponential = 19;
/// 1 + e^-g, the division, the product with g; the product with u; the sum with x.
constexpr double gate_operations = exponential + 3 + 1 + 1;
/// x, g, u and y.
constexpr cost gate_cost{gate_operations, 4};
/// g and z; z, u and z; x, z and y.
constexpr cost passes_cost{gate_operations, 2 + 3 + 3};
/// Squares and their sum, and two products; x, gain and y. (x is read twice, the second time from nearby.)
constexpr cost norm_cost{2 + 2, 3};

template <lc::extent_t Columns>
void set_counters(benchmark::State& state, const cost& each) {
  state.counters["flop"] = each.operations * Columns;
  state.counters["byte"] = each.numbers * Columns * sizeof(float);
  state.counters["token"] = 1;
}

template <lc::extent_t Columns>
void add_length() {
  auto of = std::make_shared<operands<Columns>>();
  const std::string gate = "x + silu(g) * u, " + std::to_string(Columns), norm = "RMSNorm, " + std::to_string(Columns);
  const auto close = [of](benchmark::State& state, const auto& expected) {
    for (lc::extent_t c = 0; c < Columns; ++c)
      if (!(std::abs(expected[c] - of->y[c]) < 1e-5f)) state.SkipWithError("the results differ");
  };
  bench::add(gate + "/lacuna", [of](benchmark::State& state) {
    for (auto _ : state) gate_by_expression(*of);
    set_counters<Columns>(state, gate_cost);
  });
  bench::add(gate + "/by hand", [of, close](benchmark::State& state) {
    gate_by_expression(*of);
    const auto expected = of->y;
    for (auto _ : state) gate_by_hand<Columns>(of->y.data, of->x.data, of->g.data, of->u.data);
    close(state, expected);
    set_counters<Columns>(state, gate_cost);
  });
  bench::add(gate + "/three passes", [of](benchmark::State& state) {
    for (auto _ : state) {
      lc::op::evaluate(of->z.view(), lc::map<lc::silu>(of->g.view()), lc::simd{});
      lc::op::evaluate(of->z.view(), of->z.view() * of->u.view(), lc::simd{});
      lc::op::evaluate(of->y.view(), of->x.view() + of->z.view(), lc::simd{});
    }
    set_counters<Columns>(state, passes_cost);
  });
  bench::add(norm + "/lacuna", [of](benchmark::State& state) {
    for (auto _ : state) norm_by_expression(*of);
    set_counters<Columns>(state, norm_cost);
  });
  bench::add(norm + "/by hand", [of, close](benchmark::State& state) {
    norm_by_expression(*of);
    const auto expected = of->y;
    for (auto _ : state) norm_by_hand<Columns>(of->y.data, of->x.data, of->gain.data);
    close(state, expected);
    set_counters<Columns>(state, norm_cost);
  });
}

}  // namespace

int main(int count, char** arguments) {
  // Rows that stay in the first cache of most machines, and the longest ones: a norm, a gate, three passes. Of what is
  // little more than a cache holds a part stays there, and shares of the limit come out above 1.
  bench::add_limits({std::size_t{4} << 10, std::size_t{24} << 10, std::size_t{36} << 10, std::size_t{48} << 10,
                     std::size_t{96} << 10});
  add_length<64>();
  add_length<172>();
  add_length<768>();
  add_length<3072>();
  return bench::run(count, arguments, 55);
}
