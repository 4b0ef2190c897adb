#pragma once
/// Attention within clusters that hold equally many tokens, a token's output the mean over the clusters that hold it:
/// the schedule of `balanced_k_means`.

#include <lacuna/attention/plan/best_keys.hpp>
#include <lacuna/attention/route/causal.hpp>
#include <lacuna/attention/route/centroids.hpp>
#include <lacuna/attention/schedule/head_rows.hpp>
#include <lacuna/attention/schedule/planned_by_head.hpp>
#include <lacuna/op/dispatch.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct clusters_know_no_bias {
  static_assert(Fine,
                "lacuna::balanced_k_means: within a cluster there is no distance to add a bias for (use rope<> or no "
                "position with it, or another route with this position)");
};
}  // namespace rules

/// The plan of one cluster, the same for all: among its members, which are sorted by position.
template <class Candidates, extent_t Members>
struct cluster_plan {
  shared_plan<Candidates, Members, Members> plan;
  constexpr void prepare(extent_t, extent_t tokens) { plan.prepare(0, tokens < Members ? tokens : Members); }
};

/// The work of `op::select`: each cluster of one head takes the tokens of highest affinity. `tokens * Clusters *
/// HeadWidth` multiply-adds, and O(tokens * Clusters * log Members).
template <class Value, class Element, extent_t Clusters, extent_t Members, extent_t HeadWidth>
struct member_selection {
  rows<const Value, HeadWidth> query;
  const Element* centroids;  ///< (heads, Clusters, HeadWidth)
  extent_t head;
  Value* affinity;  ///< room for one number per token
  best_keys<Value, Members>& best;
  std::uint32_t* members;  ///< (Clusters, Members): ascending, as many as there are tokens
  rows<Value, 1> share;    ///< (tokens, 1): 1 / (clusters that hold the token + offset), 0 where none does
  Value offset;

  LACUNA_HD constexpr void run() const {
    const extent_t tokens = query.count;
    share.fill(0);
    for (extent_t c = 0; c < Clusters; ++c) {
      best.count = 0;
      for (extent_t t = 0; t < tokens; ++t) {
        affinity[t] = centroid_affinity<HeadWidth>(query.row(t), centroids + (head * Clusters + c) * HeadWidth);
        best.offer(affinity[t], t);
      }
      std::uint32_t* to = members + c * Members;
      for (extent_t t = 0; t < tokens; ++t)
        if (best.keeps(affinity[t], t)) *to++ = static_cast<std::uint32_t>(t), share(t, 0) += Value(1);
    }
    for (extent_t t = 0; t < tokens; ++t)
      if (share(t, 0) > 0) share(t, 0) = Value(1) / (share(t, 0) + offset);
  }
  LACUNA_HD constexpr std::uint64_t multiply_adds() const noexcept {
    return std::uint64_t{query.count} * Clusters * HeadWidth;
  }
};

/// See planned_tiles.hpp for what a schedule is. Cluster by cluster, members are copied together, run on the kernels of
/// a single head over a cache of their own, and their outputs are added up where they belong:
/// heads * clusters * pairs of a cluster * head_width * 2 multiply-adds beside the selection. The stream is taken
/// whole; no state.
template <class Shape, class Parts>
struct clustered {
  using route = typename Parts::route;
  using normaliser = typename Parts::normaliser;
  static constexpr extent_t heads = Shape::heads, kv_heads = Shape::kv_heads, head_width = Shape::head_width;
  static constexpr extent_t group = heads / kv_heads, clusters = route::clusters;
  static constexpr extent_t size = route::kept < Shape::context ? route::kept : Shape::context;
  static constexpr extent_t blocks = blocks_of(size);
  static constexpr bool sees_ahead = true;
  static constexpr bool forgets = false;
  static_assert(__is_base_of(nothing, rules::selections_read_all<same<typename Parts::cache, linear_cache>>) || true);
  static_assert(
      __is_base_of(
          nothing,
          rules::clusters_know_no_bias<!detail::score_bias_of<typename Parts::position, heads>::type::present>) ||
      true);
  static constexpr schedule_choice chosen{
      normalisation_of<normaliser> == normalisation::one_pass ? schedule::planned_tiles : schedule::two_passes,
      "clusters of equally many tokens: one block plan for all, and the mean of their outputs"};

  template <class Role>
  using parameters = centroid_parameters<Role, heads, clusters, head_width>;
  template <class Role>
  struct state : no_tensors<clustered> {};
  /// Rows of one head (as adjoints, too), and of one of its clusters.
  template <class Plan>
  struct memory {
    using value = typename Plan::value;
    static constexpr extent_t kept_heads = Plan::keeps ? heads : 1;
    std::uint32_t members[kept_heads * clusters * size]{};
    tensor<value, kept_heads * Plan::tokens> share;
    value affinity[Plan::tokens]{};
    best_keys<value, size> best;
    typename Plan::template buffer<head_width> query;
    typename Plan::template buffer<head_width> key;
    typename Plan::template buffer<head_width> value_rows;
    typename Plan::template buffer<head_width> mixed;
    tensor<value, size, head_width> own_query;
    tensor<value, size, head_width> own_key;
    tensor<value, size, head_width> own_value;
    tensor<value, size, head_width> own_mixed;
    tensor<value, blocks, head_width, block_keys> keys;
    tensor<value, blocks, block_keys, head_width> values;
    LACUNA_NO_ADDRESS std::conditional_t<Plan::keeps, tensor<value, heads * clusters * size>, nothing> log_scale;
  };
  using plan_type = cluster_plan<typename route::candidates, size>;
  template <class Plan>
  using shares = type_list<plan_type>;
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    route::initialise(parameters);
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, Shape::query_width> query,
                                          rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                          rows<Value, Shape::query_width> mixed, const Run& run) {
    auto& m = v.memory;
    const extent_t tokens = query.count;
    const auto out = m.mixed.first(tokens);
    const auto own_mixed = m.own_mixed.first(members_of(tokens));
    const block_plan_view plan = run.shared.template get<plan_type>().plan.view();
    for (extent_t h = 0; h < heads; ++h) {
      gather(m, query, key, value, h);
      const auto share = share_of(m, tokens, h);
      using element = std::remove_cvref_t<decltype(v.parameters.centroids[0])>;
      using selection = member_selection<Value, element, clusters, size, head_width>;
      const auto own = readable(m.query.first(tokens));
      op::select(selection{own, v.parameters.centroids.data, h, m.affinity, m.best, members_at(m, h, 0), share,
                           static_cast<Value>(route::offset)},
                 run.backend);
      out.fill(0);
      for (extent_t c = 0; c < clusters; ++c) {
        const assignments<1> of{members_at(m, h, c), own_mixed.count};
        bring_together(m, tokens, of, run);
        op::attend(own_mixed, log_scale<Value>(m, own_mixed.count, h, c), m.own_query.first(of.count), cache_of(m),
                   plan, rule<Value>(), run.backend);
        op::dispatch_backward(out, own_mixed, of, run.backend);  // outputs add up
      }
      op::evaluate(out, out * share, run.backend);
      scatter_head(mixed, out, h);
    }
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, Shape::query_width> query,
                                           rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                           rows<Value, Shape::query_width>, rows<Value, Shape::query_width> dmixed,
                                           rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                           rows<Value, Shape::kv_width> dvalue, const Run& run) {
    auto& m = v.memory;
    auto& d = a.memory;
    const extent_t tokens = query.count, count = members_of(tokens);
    const auto dout = d.mixed.first(tokens);
    const auto own_dquery = d.own_query.first(count), own_dkey = d.own_key.first(count);
    const auto own_dvalue = d.own_value.first(count), own_dmixed = d.own_mixed.first(count);
    const block_plan_view plan = run.shared.template get<plan_type>().plan.view();
    for (extent_t h = 0; h < heads; ++h) {
      gather(m, query, key, value, h);
      gather(d, dquery, dkey, dvalue, h);
      gather_head(dout, dmixed, h);
      op::evaluate(dout, dout * share_of(m, tokens, h), run.backend);
      for (extent_t c = 0; c < clusters; ++c) {
        const assignments<1> of{members_at(m, h, c), count};
        bring_together(m, tokens, of, run);
        op::dispatch(own_dmixed, dout, of, run.backend);
        own_dquery.fill(0), own_dkey.fill(0), own_dvalue.fill(0);
        clear(d.keys), clear(d.values);
        op::attend_backward(own_dquery, writable_cache_of(d), own_dmixed, log_scale<Value>(m, count, h, c),
                            m.own_query.first(count), cache_of(m), plan, rule<Value>(), run.backend);
        op::append_backward(cache_of(d), own_dkey, own_dvalue, 0, run.backend);
        op::dispatch_backward(d.query.first(tokens), own_dquery, of, run.backend);
        op::dispatch_backward(d.key.first(tokens), own_dkey, of, run.backend);
        op::dispatch_backward(d.value_rows.first(tokens), own_dvalue, of, run.backend);
      }
      scatter_head(dquery, d.query.first(tokens), h);
      scatter_head(dkey, d.key.first(tokens), h / group);
      scatter_head(dvalue, d.value_rows.first(tokens), h / group);
    }
  }
  static constexpr std::uint64_t multiply_adds(extent_t, extent_t tokens) {
    const std::uint64_t of_cluster = pairs<typename route::candidates>(0, members_of(tokens), members_of(tokens));
    return (attend_products<normalisation_of<normaliser>> * of_cluster + tokens) * clusters * Shape::query_width;
  }

 private:
  LACUNA_HD static constexpr extent_t members_of(extent_t tokens) { return tokens < size ? tokens : size; }
  template <class Value>
  LACUNA_HD static constexpr auto rule() {
    using own_penalty = typename detail::bias_with_score<typename Parts::score, no_score_bias>::type;
    constexpr double scale = detail::score_scale<typename Parts::score>(head_width, Shape::width);
    return score_rule<normaliser, own_penalty, Value>{static_cast<Value>(scale)};
  }
  /// Queries, keys and values of one head, or their adjoints.
  template <class Memory, class Value>
  LACUNA_HD static constexpr void gather(Memory& m, rows<Value, Shape::query_width> query,
                                         rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                         extent_t h) {
    gather_head(m.query.first(query.count), query, h);
    gather_head(m.key.first(query.count), key, h / group);
    gather_head(m.value_rows.first(query.count), value, h / group);
  }
  /// Those of one cluster: queries in rows, keys and values in the cluster's cache.
  template <class Memory, class Run>
  LACUNA_HD static constexpr void bring_together(Memory& m, extent_t tokens, const assignments<1>& of, const Run& run) {
    op::dispatch(m.own_query.first(of.count), m.query.first(tokens), of, run.backend);
    op::dispatch(m.own_key.first(of.count), m.key.first(tokens), of, run.backend);
    op::dispatch(m.own_value.first(of.count), m.value_rows.first(tokens), of, run.backend);
    op::append(writable_cache_of(m), m.own_key.first(of.count), m.own_value.first(of.count), 0, run.backend);
  }
  template <class Tensor>
  LACUNA_HD static constexpr void clear(Tensor& of) {
    for (auto& element : of.data) element = 0;
  }
  template <class Memory>
  LACUNA_HD static constexpr std::uint32_t* members_at(Memory& m, extent_t h, extent_t c) {
    return m.members + (kept_head<Memory>(h) * clusters + c) * size;
  }
  template <class Memory>
  LACUNA_HD static constexpr auto share_of(Memory& m, extent_t tokens, extent_t h) {
    return rows<typename Memory::value, 1>(m.share.data + kept_head<Memory>(h) * (m.share.size / Memory::kept_heads),
                                           tokens);
  }
  template <class Memory>
  LACUNA_HD static constexpr extent_t kept_head(extent_t h) {
    return Memory::kept_heads > 1 ? h : 0;
  }
  template <class Value, class Memory>
  LACUNA_HD static constexpr rows<Value, 1> log_scale(Memory& m, extent_t count, extent_t h, extent_t c) {
    if constexpr (requires { m.log_scale.data; })
      return {m.log_scale.data + (h * clusters + c) * size, count};
    else
      return {nullptr, count};
  }
  template <class Memory>
  LACUNA_HD static constexpr auto writable_cache_of(Memory& m) {
    return cache_view<typename Memory::value, 1, head_width, linear_cache::address>{m.keys.data, m.values.data, {}};
  }
  template <class Memory>
  LACUNA_HD static constexpr auto cache_of(const Memory& m) {
    return cache_view<const typename Memory::value, 1, head_width, linear_cache::address>{
        m.keys.data, m.values.data, {}};
  }
};

LACUNA_END
