#pragma once
/// The backend `simd_threads`: products, attention and expressions of many tokens by the threads of an executor.
///
/// What is divided, and how, depends on sizes alone: results are the same bits for every number of threads, and for
/// none. Decoding one token stays on the calling thread, but for products with large weights.

#include <lacuna/backend/simd/attend.hpp>
#include <lacuna/backend/simd/evaluate.hpp>
#include <lacuna/backend/simd/multiply.hpp>
#include <lacuna/backend/simd/multiply_quantized.hpp>

LACUNA_BEGIN

/// `model<stories, simd_threads<thread_team>> model(simd_threads<thread_team>{team});`
///
/// `Executor` offers `void for_each(extent_t count, Task&& task)`: see core/in_turn.hpp. Without one, the
/// tag works as `simd`. It refers to the executor, which outlives it.
template <class Executor>
struct simd_threads : simd {
  static constexpr auto name = fixed_string("simd_threads");
  Executor* executor = nullptr;

  constexpr simd_threads() = default;
  constexpr explicit simd_threads(Executor& of) noexcept : executor(&of) {}
};

namespace simd_lanes {

/// An executor that may be absent.
template <class Executor>
struct divided {
  Executor* executor;
  bool parallel;
  explicit divided(const simd_threads<Executor>& backend) noexcept
      : executor(backend.executor), parallel(backend.executor != nullptr) {}
  template <class Task>
  void for_each(extent_t count, Task&& task) const noexcept {
    executor->for_each(count, task);
  }
};

/// Columns that one task of an elementwise operation computes, at least.
inline constexpr extent_t task_elements = extent_t{1} << 14;

}  // namespace simd_lanes

namespace operation {

/// y = x W^T by threads: see `op::multiply`.
template <class Element, extent_t Outputs, extent_t Inputs, class Executor>
auto kernel(multiply, rows<float, Outputs> y, rows<const float, Inputs> x, matrix<const Element, Outputs, Inputs>,
            const simd_lanes::panels<Element, Outputs, Inputs>& packed, const simd_threads<Executor>& backend) {
  simd_lanes::multiply_packed(y, x, packed, simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// dx += dy W by threads: see `op::multiply_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs, class Executor>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            matrix<const Element, Outputs, Inputs> weight, const simd_threads<Executor>& backend) {
  simd_lanes::add_product<Inputs, false>(dx.data, dy.data, Outputs, dy.count, weight.data, Outputs,
                                         simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// dW += dy^T x by threads: see `op::accumulate_outer`.
template <extent_t Outputs, extent_t Inputs, class Executor>
auto kernel(accumulate_outer, matrix<float, Outputs, Inputs> gradient, rows<const float, Outputs> dy,
            rows<const float, Inputs> x, const simd_threads<Executor>& backend) {
  simd_lanes::add_product<Inputs, true>(gradient.data, dy.data, Outputs, Outputs, x.data, x.count,
                                        simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// y = x W^T with weights of eight bits, outputs by threads: see `op::multiply_quantized`, `op::multiply_integers`.
template <class Element, extent_t Outputs, extent_t Inputs, class Executor>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_quantized, rows<float, Outputs> y, rows<const float, Inputs> x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd_threads<Executor>& backend) {
  simd_lanes::multiply_bytes(y, simd_lanes::rows_of_floats<Inputs>(x), weight, simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}
template <class Element, extent_t Outputs, extent_t Inputs, class Executor>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_integers, rows<float, Outputs> y, const quantized_rows<const std::int8_t, const float, Inputs>& x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd_threads<Executor>& backend) {
  simd_lanes::multiply_bytes(y, simd_lanes::rows_of_bytes<Inputs>(x), weight, simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// mixed = attention over the plan, pairs of groups of rows and key heads by threads: see `op::attend`.
template <extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth, class Address,
          class Rule, class Executor>
auto kernel(attend, rows<float, Columns> mixed, rows<float, Heads> log_scale, rows<const float, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const simd_threads<Executor>& backend) {
  using cache_type = cache_view<const Element, KvHeads, HeadWidth, Address>;
  using work = by_lanes::attention_executor<simd_lanes::lanes, Heads, cache_type, Rule>;
  const typename work::arguments arguments{mixed, log_scale, query, cache, plan, rule};
  if (backend.executor == nullptr || 2 * plan.pairs * Columns < simd_lanes::task_work)
    work::attend_all(arguments, in_turn{});
  else
    work::attend_all(arguments, simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// Adjoints of queries, keys and values, key heads by threads: see `op::attend_backward`.
template <extent_t Heads, extent_t Columns, class Element, extent_t KvHeads, extent_t HeadWidth, class Address,
          class Rule, class Executor>
auto kernel(attend_backward, rows<float, Columns> dquery, const cache_view<float, KvHeads, HeadWidth, Address>& dcache,
            rows<const float, Columns> dmixed, rows<const float, Heads> log_scale, rows<const float, Columns> query,
            const cache_view<const Element, KvHeads, HeadWidth, Address>& cache, const block_plan_view& plan,
            const Rule& rule, const simd_threads<Executor>& backend) {
  using work = by_lanes::attention_backward_executor<simd_lanes::lanes, Heads,
                                                     cache_view<const Element, KvHeads, HeadWidth, Address>,
                                                     cache_view<float, KvHeads, HeadWidth, Address>, Rule>;
  const typename work::arguments arguments{dquery, dcache, dmixed, log_scale, query, cache, plan, rule};
  if (backend.executor == nullptr || 2 * plan.pairs * Columns < simd_lanes::task_work)
    work::differentiate_all(arguments, in_turn{});
  else
    work::differentiate_all(arguments, simd_lanes::divided(backend));
  return ran_on<simd_threads<Executor>>{};
}

/// y = expression, stretches of tokens by threads: see `op::evaluate`.
template <extent_t Columns, class Node, class Executor>
  requires(same<typename Node::value, float>)
auto kernel(evaluate, rows<float, Columns> y, const Node& node, const simd_threads<Executor>& backend) {
  constexpr extent_t most = simd_lanes::task_elements / Columns, tokens = most > 0 ? most : 1;
  if (backend.executor == nullptr || y.count < 2 * tokens) {
    by_lanes::evaluate<simd_lanes::lanes>(y, node);
  } else {
    const extent_t tasks = y.count / tokens;
    backend.executor->for_each(tasks, [&](extent_t task) {
      by_lanes::evaluate<simd_lanes::lanes>(y, node, task * y.count / tasks, (task + 1) * y.count / tasks);
    });
  }
  return ran_on<simd_threads<Executor>>{};
}

}  // namespace operation

LACUNA_END
