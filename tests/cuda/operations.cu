// Every operation of op/ on the reference backend, in device code and in host code from the same functions, without
// experimental switches of nvcc. Each runs on both sides from the same numbers, and the results are compared; without a
// device, on the host alone (exit status 77).
#include <cxxabi.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t vocabulary = 9, width = 8, hidden = 12, tokens = 19, context = 32;
constexpr lc::extent_t heads = 4, kv_heads = 2, head_width = 2, kv_width = kv_heads * head_width;
constexpr lc::extent_t mixed_rows = 3, first_atom = 20, features = 4;
constexpr lc::extent_t experts = 5, chosen = 2, capacity = 7, edges = 40, clusters = 3, members = 6;
using route = lc::both<lc::causal, lc::window<5>>;

/// Weights that are stored in other ways: together they call every operation that formats have.
using structured =
    lc::sum<lc::blocked<4, 1, lc::density{0.5}>, lc::sum<lc::n_m<2, 4>, lc::tiled<lc::grid<1, 2>, lc::monarch<2>>>>;
using of_eight_bits = lc::quantized<8>;
using all_of_eight_bits = lc::quantized<8, lc::activations<8>>;

/// A weight in a format, with all its data: `(hidden, width)`.
template <class Format, class Value, class Weight>
struct stored_weight {
  using bound = typename Format::template bound<hidden, width>;
  typename bound::template parameters<lc::weights<Weight>> parameters;
  typename bound::template parameters<lc::gradients<Weight>> gradients;
  typename bound::template memory<lc::keep<Value, tokens>> memory;
  typename bound::template memory<lc::reuse<Value, tokens>> adjoint;
  typename bound::template derived<lc::target<Weight, Value, lc::reference>> derived;

  template <class X, class Y>
  LACUNA_HD void run(const X& x, const Y& y, const Y& dy, const X& dx) {
    const lc::reference backend;
    const lc::nothing shared;
    const lc::run<lc::reference, lc::nothing> on{0, backend, shared};
    bound::forward(parameters, memory, derived, x, y, on);
    bound::backward(parameters, gradients, memory, adjoint, derived, x, dy, dx, on);
  }
};

/// What a route that queries and keys decide works with, for one head, and what it chooses.
template <class Route, class Value, class Weight>
struct choice {
  using shape = lc::attention_shape<head_width, context, 1, 1, head_width>;
  using parameters_type = lc::detail::parameters_of_route<Route, lc::weights<Weight>, shape>;
  using state_type = lc::detail::state_of_route<Route, lc::weights<Value>, shape>;
  using plan_type = lc::stored_plan<tokens, context, Route::most(context)>;
  using workspace = typename Route::template workspace<Value, tokens, shape>;
  plan_type plan;
  workspace work;
  lc::route_draws<Route, Value, 1, head_width> draws;
  parameters_type parameters;
  state_type state;

  template <class Query, class Cache>
  LACUNA_HD void run(const Query& query, const Cache& cache) {
    using rule = lc::score_rule<lc::softmax, lc::no_score_bias, Value>;
    using input = lc::selection_input<Value, Cache, rule, Query, Cache, parameters_type, state_type>;
    const rule scored{Value(0.5)};
    const input asked{query, cache, scored, 0, 0, query, cache, draws.drawn.data, parameters, state};
    lc::op::select(lc::route_selection<Route, plan_type, workspace, input>{plan, work, asked}, lc::reference{});
  }
};

/// Draws values and quantised values; what says where they lie stays.
struct draws_weights {
  std::uint64_t* counter;
  template <class Leaf>
  LACUNA_HD void operator()(Leaf& tensor) const {
    using element = typename Leaf::element;
    for (lc::extent_t i = 0; i < Leaf::size; ++i) {
      if constexpr (!lc::is_integer<element>)
        tensor[i] = static_cast<element>(static_cast<lc::compute_t<element>>(lc::random_normal(31, 0, (*counter)++)));
      else if constexpr (!lc::is_pattern<element>)
        tensor[i] = static_cast<element>(static_cast<int>((*counter)++ * 37 % 255) - 127);
    }
  }
};

/// Everything that the operations read and write: one object without addresses, so that its bytes can be copied.
template <class Value, class Weight>
struct numbers {
  template <lc::extent_t... Extents>
  using values = lc::tensor<Value, Extents...>;
  template <lc::extent_t... Extents>
  using weights = lc::tensor<Weight, Extents...>;
  using keys_shape = values<lc::blocks_of(context), kv_heads, head_width, lc::block_keys>;
  using values_shape = values<lc::blocks_of(context), kv_heads, lc::block_keys, head_width>;

  weights<vocabulary, width> table;
  weights<hidden, width> weight;
  weights<width> gain;
  weights<tokens, mixed_rows> share;
  values<vocabulary, width> table_gradient;
  values<hidden, width> weight_gradient;
  values<width> gain_gradient;
  values<tokens, mixed_rows> share_gradient;
  values<mixed_rows, width> few, dfew;
  weights<width, 3> taps;
  values<width, 3> taps_gradient;
  values<features, head_width> directions;
  values<kv_heads, features, head_width> sums, dsums;
  values<kv_heads, features> totals, dtotals;
  values<kv_heads> state_scale, dstate_scale;
  values<tokens, kv_heads> scan_scale;
  values<tokens, heads> denominator, row_scale;
  values<context, kv_heads, features> key_features, dkey_features;
  values<context, kv_heads> feature_scale, dfeature_scale;
  values<context, kv_heads, head_width> feature_values, dfeature_values;
  values<4, kv_width> largest;
  values<tokens, width> x, dx, query, dquery, mixed, dmixed;
  values<tokens, hidden> up, dup;
  values<tokens, 1> inverse;
  values<tokens, heads> log_scale;
  values<tokens, kv_width> key, value, dkey, dvalue;
  keys_shape keys, dkeys;
  values_shape cached, dcached;
  stored_weight<structured, Value, Weight> structured_weight;
  stored_weight<of_eight_bits, Value, Weight> weight_of_eight_bits;
  stored_weight<all_of_eight_bits, Value, Weight> product_of_eight_bits;
  lc::rotation_angles<Value, head_width, context, lc::theta{}> angles;
  lc::shared_plan<route, tokens, context> plan;
  std::uint32_t stream[tokens]{}, targets[tokens]{};

  // What no operation writes: choices that follow from it are the same on both sides.
  values<tokens, hidden> drawn;
  values<tokens, head_width> head_query;
  values<lc::blocks_of(context), 1, head_width, lc::block_keys> head_keys;
  weights<1, clusters, head_width> centroids;
  lc::input_major<Weight, width, hidden> turned_weight;
  lc::graph_lists<edges, tokens> graph;

  lc::active_lists<tokens, hidden> active;
  values<width, hidden> turned_gradient;
  values<width, tokens> columns;
  choice<lc::top_k<4>, Value, Weight> best;
  choice<lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 4}>, Value, Weight> hashed;
  choice<lc::k_means<clusters>, Value, Weight> clustered;
  choice<lc::bi_level<8, lc::kept_regions{3}>, Value, Weight> regional;
  lc::best_keys<Value, members> best_members;
  std::uint32_t members_of[clusters * members]{};
  values<tokens, 1> affinity, member_share;
  values<heads> clamped, dclamped;
  values<tokens, heads> estimate_share;
  values<edges, width> modulation, dmodulation, terms;
  values<tokens, experts> probability, dscore;
  values<tokens, chosen> gate, dgate;
  values<tokens, 1> log_sum;
  lc::dispatch_plan<tokens, experts, chosen> assigned;
  values<tokens * chosen, width> expert_rows, dexpert_rows;
  values<tokens, vocabulary> logits, dlogits;
  lc::tensor<double, tokens, 1> losses;
  lc::tensor<double, 1> squares;
  values<hidden, width> learnt, first_moment, second_moment, multiplied_out;
  lc::multiplied_out_on_reference<typename structured::template bound<hidden, width>, hidden, width, Weight, Value>
      multiplying_out;

  using address = lc::linear_cache::address;
  LACUNA_HD lc::token_view all() const { return {stream, tokens}; }
  LACUNA_HD lc::cache_view<Value, kv_heads, head_width, address> cache() { return {keys.data, cached.data, {}}; }
  LACUNA_HD lc::cache_view<Value, kv_heads, head_width, address> dcache() { return {dkeys.data, dcached.data, {}}; }
  LACUNA_HD lc::cache_view<const Value, kv_heads, head_width, address> kept() const {
    return {keys.data, cached.data, {}};
  }
  LACUNA_HD lc::cache_view<const Value, kv_heads, head_width, address> dkept() const {
    return {dkeys.data, dcached.data, {}};
  }

  LACUNA_HD lc::cache_view<const Value, 1, head_width, address> cache_of_head() const {
    return {head_keys.data, nullptr, {}};
  }
  LACUNA_HD lc::scan_state<Value, kv_heads, features, head_width> state() {
    return {sums.data, totals.data, state_scale.data};
  }
  LACUNA_HD lc::scan_state<Value, kv_heads, features, head_width> dstate() {
    return {dsums.data, dtotals.data, dstate_scale.data};
  }
  LACUNA_HD auto map() const { return lc::favor<features>::template map<Value, head_width>(directions.data); }
  LACUNA_HD lc::rows<std::uint32_t, chosen> chosen_experts() { return {assigned.chosen, tokens}; }
  LACUNA_HD lc::assignments<chosen> assignments() const { return {assigned.order, assigned.ends[experts - 1]}; }
  LACUNA_HD lc::edge_inputs<Value, width, kv_width> along_edges() {
    return {query.view(), key.view(), value.view(), modulation.view(), graph.view(tokens)};
  }

  /// Calls `f` for all numbers that an operation writes.
  LACUNA_ANY_CALLEE
  template <class Function>
  LACUNA_HD void results(Function&& f) {
    f(table_gradient), f(weight_gradient), f(gain_gradient), f(x), f(dx), f(query), f(dquery), f(mixed), f(dmixed);
    f(up), f(dup), f(inverse), f(log_scale), f(key), f(value), f(dkey), f(dvalue), f(keys), f(dkeys), f(cached);
    f(dcached), f(share_gradient), f(few), f(dfew), f(largest), f(taps_gradient), f(sums), f(totals), f(denominator);
    f(key_features), f(dkey_features), f(dfeature_values), f(dsums), f(dtotals), f(dstate_scale), f(state_scale);
    f(scan_scale), f(row_scale), f(feature_scale), f(feature_values), f(turned_gradient), f(columns);
    f(affinity), f(member_share), f(clustered.state.cluster), f(clamped), f(estimate_share), f(dmodulation), f(terms);
    f(probability), f(dscore), f(gate), f(dgate), f(log_sum), f(expert_rows), f(dexpert_rows), f(dlogits), f(losses);
    f(squares), f(learnt), f(first_moment), f(second_moment), f(multiplied_out);
    auto& sum = structured_weight.gradients;
    auto& tile = sum.second.second.tiles_part.template at<1>();
    f(sum.first.values), f(sum.second.first.values), f(tile.weight.left.weight), f(tile.weight.right.weight.weight);
    f(weight_of_eight_bits.gradients.scale), f(product_of_eight_bits.gradients.scale);
    f(product_of_eight_bits.memory.inputs.scales);
  }
  /// Calls `f` for all arrays of integers that an operation writes.
  LACUNA_ANY_CALLEE
  template <class Function>
  LACUNA_HD void choices(Function&& f) {
    f(best.plan.begin), f(best.plan.runs), f(best.plan.masks), f(hashed.plan.begin), f(hashed.plan.runs);
    f(hashed.plan.masks), f(clustered.plan.begin), f(clustered.plan.runs), f(clustered.plan.masks);
    f(regional.plan.begin), f(regional.plan.runs), f(regional.plan.masks);
    f(members_of), f(active.numbers.data), f(active.sizes.data), f(product_of_eight_bits.memory.inputs.integers.data);
    f(assigned.chosen), f(assigned.order), f(assigned.ends), f(assigned.asked);
  }
  void fill() {
    std::uint64_t counter = 0;
    const auto draw = [&](auto& tensor) {
      using element = typename std::remove_reference_t<decltype(tensor)>::element;
      for (auto& of : tensor.data)
        of = static_cast<element>(static_cast<lc::compute_t<element>>(lc::random_normal(29, 0, counter++)));
    };
    draw(table), draw(weight), draw(gain), draw(share), draw(taps), draw(directions), draw(drawn), draw(head_query);
    draw(head_keys), draw(centroids), draw(turned_weight.turned), draw(modulation), draw(logits);
    results(draw);
    for (auto& of : second_moment.data) of = of * of;
    const auto draw_weight = [&](auto& of) {
      lc::initialise_parameters(of.parameters);
      lc::visit_tensors(draws_weights{&counter}, of.parameters);
      std::remove_reference_t<decltype(of)>::bound::refresh(of.parameters, of.derived);
    };
    draw_weight(structured_weight), draw_weight(weight_of_eight_bits), draw_weight(product_of_eight_bits);
    // Half of each strip of 4 outputs.
    auto& pattern = structured_weight.parameters.first;
    for (lc::extent_t entry = 0; entry < pattern.columns.size; ++entry)
      pattern.columns[entry] = static_cast<std::uint16_t>(entry % (width / 2) * 2);
    for (lc::extent_t strip = 0; strip < pattern.begins.size; ++strip)
      pattern.begins[strip] = static_cast<std::uint32_t>(strip * (width / 2));
    for (auto& token : stream) token = static_cast<std::uint32_t>(counter++ * 5 % vocabulary);
    for (auto& token : targets) token = static_cast<std::uint32_t>(counter++ * 7 % vocabulary);
    targets[4] = lc::no_token;
    hashed.draws.build();
    lc::visit_tensors(draws_weights{&counter}, clustered.parameters);
    // Other lists than `find_active` makes here.
    lc::op::find_active(active.first(tokens), drawn.view(), lc::active::magnitude_above<Value>{1}, lc::reference{});
    // Distinct pairs; the last rows listen to nobody.
    lc::edge pairs[edges];
    for (lc::extent_t i = 0; i < edges; ++i)
      pairs[i] = {static_cast<std::uint32_t>(i * 8 / tokens), static_cast<std::uint32_t>(i * 8 % tokens)};
    const lc::graph<> given{tokens, pairs, edges};
    if (!graph.check(given).ok()) lc::stop();
    graph.assign(given);
    angles.build();
    plan.prepare(0, tokens);
  }
};

// One struct per operation, or for what belongs together: `run` is what host and device share.

/// Base of those that read stored weights: they alone are compared once more where weights have an element of their
/// own.
struct reads_weights {};
/// Base of second forms of an operation, by the same functions in another order: compared in f64 alone, since nvcc
/// takes long for each.
struct is_second_form {};
template <bool Causal>
using form_of_scan = std::conditional_t<Causal, lc::nothing, is_second_form>;

struct embed : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::embed(n.x.view(), n.table, n.all(), lc::reference{});
  }
};
struct embed_backward {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::embed_backward(n.table_gradient, n.dx.view(), n.all(), lc::reference{});
  }
};
struct multiply : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::multiply(n.up.view(), n.x.view(), n.weight, lc::nothing{}, lc::reference{});
  }
};
struct multiply_transposed : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::multiply_transposed(n.dx.view(), n.dup.view(), n.weight, lc::reference{});
  }
};
struct accumulate_outer {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::accumulate_outer(n.weight_gradient, n.dup.view(), n.x.view(), lc::reference{});
  }
};
template <class Activation>
struct activate {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::evaluate(n.up.view(), lc::map<Activation>(n.drawn.view()), lc::reference{});
    lc::op::evaluate(n.dup.view(), n.dup.view() * lc::map_derivative<Activation>(n.drawn.view()), lc::reference{});
  }
};
struct normalise : reads_weights {  // reductions over columns; a column, a row vector and a number broadcast
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    const auto x = n.x.view();
    const auto centred = x - lc::row_mean(x);
    lc::op::evaluate(n.inverse.view(), lc::inverse_root(lc::row_mean(centred * centred) + 1e-5f), lc::reference{});
    lc::op::evaluate(n.query.view(), centred * n.inverse.view() * n.gain + n.gain / 2, lc::reference{});
    const auto weights = lc::exponential(n.query.view() - lc::row_maximum(n.query.view()));
    lc::op::evaluate(n.query.view(), -weights / lc::row_sum(weights), lc::reference{});
  }
};
struct sum_over_tokens {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::sum_over_tokens(n.gain_gradient, n.dx.view() * n.x.view() * n.inverse.view(), tokens, lc::reference{});
  }
};
template <lc::rotary_pairs Pairs>
struct rotate {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    const lc::constant<lc::rotary_pairs, Pairs> pairs;
    lc::op::rotate(n.query.view(), n.angles.view(), 3, false, pairs, lc::reference{});
    lc::op::rotate(n.dquery.view(), n.angles.view(), 3, true, pairs, lc::reference{});
  }
};
struct append {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::append(n.cache(), n.key.view(), n.value.view(), 0, lc::reference{});
  }
};
struct append_backward {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::append_backward(n.dkept(), n.dkey.view(), n.dvalue.view(), 0, lc::reference{});
  }
};
struct attend {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    lc::op::attend(n.mixed.view(), n.log_scale.view(), n.query.view(), n.kept(), n.plan.view(),
                   lc::score_rule<lc::softmax, lc::no_score_bias, value>{value(0.5)}, lc::reference{});
  }
};
struct attend_backward {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    lc::op::attend_backward(n.dquery.view(), n.dcache(), n.dmixed.view(), n.log_scale.view(), n.query.view(), n.kept(),
                            n.plan.view(), lc::score_rule<lc::softmax, lc::no_score_bias, value>{value(0.5)},
                            lc::reference{});
  }
};

struct mix_rows : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::mix_rows(n.few.view(), n.x.view(), lc::readable(n.share.view()), lc::reference{});
  }
};
struct mix_rows_backward : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::mix_rows_backward(n.dx.view(), n.share_gradient.view(), n.dfew.view(), n.x.view(),
                              lc::readable(n.share.view()), lc::reference{});
  }
};
template <class Partition>
struct summarise {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    const lc::summary_rule<Partition, tokens, value> rule{first_atom, value(0.5)};
    lc::op::summarise(n.cache(), n.largest.view(), n.key.view(), 0, rule, lc::reference{});
    lc::op::summarise_backward(n.dcache(), n.dkey.view(), n.kept(), n.key.view(), rule, lc::reference{});
  }
};
struct write_keys {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::write_keys(n.cache(), n.key.view(), 0, lc::reference{});
  }
};
struct convolve_rows : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::convolve_rows(n.mixed.view(), n.x.view(), n.taps, lc::reference{});
    lc::op::convolve_rows_backward(n.dx.view(), n.taps_gradient, n.dmixed.view(), n.x.view(), n.taps, lc::reference{});
  }
};
template <bool Causal>
struct scan : form_of_scan<Causal> {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    const auto now = n.state(), turned = n.dstate();
    const auto map = n.map();
    const lc::scan_rows<value, heads, kv_heads> saved{n.scan_scale.view(), n.denominator.view()};
    const lc::constant<bool, Causal> causal;
    now.clear();
    lc::op::scan(n.mixed.view(), saved, n.query.view(), n.key.view(), n.value.view(), now, map, causal,
                 lc::reference{});
    lc::op::scan_backward(n.dquery.view(), n.dkey.view(), n.dvalue.view(), n.mixed.view(), n.dmixed.view(), saved,
                          n.query.view(), n.key.view(), n.value.view(), now, turned, map, causal, lc::reference{});
  }
};
struct feature_pairs {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    using store = lc::feature_store<value, kv_heads, features, head_width>;
    const store now{n.key_features.data, n.feature_scale.data, n.feature_values.data};
    const store adjoint{n.dkey_features.data, n.dfeature_scale.data, n.dfeature_values.data};
    const auto map = n.map();
    const lc::feature_rows<value, heads> saved{n.row_scale.view(), n.denominator.view()};
    lc::op::feature_pairs(n.mixed.view(), saved, n.query.view(), n.key.view(), n.value.view(), now, n.plan.view(), map,
                          lc::reference{});
    lc::op::feature_pairs_backward(n.dquery.view(), n.dkey.view(), n.dvalue.view(), n.mixed.view(), n.dmixed.view(),
                                   saved, n.query.view(), n.key.view(), now, adjoint, n.plan.view(), map,
                                   lc::reference{});
  }
};

template <bool Causal>
struct corrected_scan : form_of_scan<Causal> {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    using state = lc::corrected_state<value, heads, kv_heads, features, head_width, typename Numbers::address>;
    const state now{n.state(), n.key_features.data, n.feature_scale.data, n.clamped.data, {}};
    const state turned{n.dstate(), n.dkey_features.data, n.dfeature_scale.data, n.dclamped.data, {}};
    const auto map = n.map();
    const lc::score_rule<lc::softmax, lc::no_score_bias, value> rule{value(0.5)};
    const lc::corrected_rows<value, heads, kv_heads> saved{n.scan_scale.view(), n.log_scale.view(),
                                                           n.estimate_share.view()};
    const lc::constant<bool, Causal> causal;
    now.clear();
    lc::op::corrected_scan(n.mixed.view(), saved, n.query.view(), n.key.view(), n.value.view(), now, n.kept(),
                           n.plan.view(), rule, map, causal, lc::reference{});
    lc::op::corrected_scan_backward(n.dquery.view(), n.dkey.view(), n.dvalue.view(), n.dcache(), n.mixed.view(),
                                    n.dmixed.view(), saved, n.query.view(), n.key.view(), n.value.view(), now, turned,
                                    n.kept(), n.plan.view(), rule, map, causal, lc::reference{});
  }
};
struct attend_edges {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    lc::op::attend_edges(n.mixed.view(), n.log_scale.view(), n.terms.view(), n.along_edges(),
                         lc::score_rule<lc::softmax, lc::no_score_bias, value>{value(0.5)}, lc::reference{});
  }
};
struct attend_edges_backward {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    const lc::edge_adjoints<value, width, kv_width> to{n.dquery.view(), n.dkey.view(), n.dvalue.view(),
                                                       n.dmodulation.view()};
    lc::op::attend_edges_backward(to, n.dmixed.view(), n.log_scale.view(), n.terms.view(), n.along_edges(),
                                  lc::score_rule<lc::softmax, lc::no_score_bias, value>{value(0.5)}, lc::reference{});
  }
};
struct select_keys {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    n.best.run(lc::readable(n.head_query.view()), n.cache_of_head());
    n.hashed.run(lc::readable(n.head_query.view()), n.cache_of_head());
    n.regional.run(lc::readable(n.head_query.view()), n.cache_of_head());
  }
};
struct select_clustered : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    n.clustered.run(lc::readable(n.head_query.view()), n.cache_of_head());
  }
};
struct select_members : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.affinity)::element;
    using weight = typename decltype(n.centroids)::element;
    lc::op::select(
        lc::member_selection<value, weight, clusters, members, head_width>{
            lc::readable(n.head_query.view()), n.centroids.data, 0, n.affinity.data, n.best_members, n.members_of,
            n.member_share.view(), value(0.01)},
        lc::reference{});
  }
};

struct find_active {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.drawn)::element;
    lc::op::find_active(n.active.first(tokens), n.drawn.view(), lc::active::above<value>{0}, lc::reference{});
  }
};
struct keep_largest {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::keep_largest(n.up.view(), n.drawn.view() / 2, 5, lc::reference{});
  }
};
struct multiply_some_outputs : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::multiply_some_outputs(n.up.view(), n.x.view(), n.weight, n.active.first(tokens), lc::reference{});
    lc::op::multiply_some_outputs_transposed(n.dx.view(), n.dup.view(), n.weight, n.active.first(tokens),
                                             lc::reference{});
    lc::op::accumulate_some_outputs(n.weight_gradient, n.dup.view(), n.x.view(), n.active.first(tokens),
                                    lc::reference{});
  }
};
struct multiply_some_inputs : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::multiply_some_inputs(n.mixed.view(), n.drawn.view(), n.turned_weight, n.active.first(tokens),
                                 lc::reference{});
    lc::op::multiply_some_inputs_transposed(n.dup.view(), n.dmixed.view(), n.turned_weight, n.active.first(tokens),
                                            lc::reference{});
    lc::op::accumulate_some_inputs(n.turned_gradient, n.dmixed.view(), n.drawn.view(), n.active.first(tokens),
                                   lc::reference{});
  }
};

struct choose_experts {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::choose_experts(n.probability.view(), n.gate.view(), n.log_sum.view(), n.chosen_experts(), true,
                           lc::reference{});
    n.assigned.build(tokens, capacity);
  }
};
struct choose_experts_backward {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::choose_experts_backward(n.dscore.view(), n.probability.view(), n.gate.view(), n.dgate.view(),
                                    n.chosen_experts(), true, lc::reference{});
    lc::op::choose_experts_backward(n.dscore.view(), n.probability.view(), n.gate.view(), n.dgate.view(),
                                    n.chosen_experts(), false, lc::reference{});
  }
};
struct dispatch {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::dispatch(n.expert_rows.view(), n.x.view(), n.assignments(), lc::reference{});
    lc::op::dispatch_backward(n.dx.view(), n.dexpert_rows.view(), n.assignments(), lc::reference{});
  }
};
struct combine {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::combine(n.mixed.view(), n.expert_rows.view(), n.gate.view(), n.assignments(), lc::reference{});
    lc::op::combine_backward(n.dexpert_rows.view(), n.dgate.view(), n.dmixed.view(), n.expert_rows.view(),
                             n.gate.view(), n.assignments(), lc::reference{});
  }
};
struct cross_entropy {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::cross_entropy(n.losses.view(), n.dlogits.view(), n.logits.view(), {n.targets, tokens}, 0.25,
                          lc::reference{});
  }
};
struct drop {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::drop(n.up.view(), n.drawn.view(), lc::drop_key{7, 1, 2, 20000}, lc::reference{});
  }
};
struct transpose {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::transpose(n.columns.view(), n.x.view(), lc::reference{});
    lc::op::add_transposed(n.dx.view(), n.columns.view(), lc::reference{});
  }
};
struct learn_by_adam {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.learnt)::element;
    constexpr lc::adam_numbers<value> by{.scale = value(0.5),
                                         .first = value(0.9),
                                         .first_new = value(0.1),
                                         .second = value(0.95),
                                         .second_new = value(0.05),
                                         .rate = value(0.01),
                                         .root = value(0.7),
                                         .epsilon = value(1e-8),
                                         .kept = value(0.999)};
    lc::op::adam_step(lc::flat(n.learnt), lc::flat(n.weight_gradient), lc::flat(n.first_moment),
                      lc::flat(n.second_moment), by, lc::reference{});
  }
};
struct learn_by_momentum {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.learnt)::element;
    lc::momentum_numbers<value> by{value(0.5), value(0.9), value(0.01), value(0.1)};
    for (const bool ahead : {false, true}) {
      by.looks_ahead = ahead;
      lc::op::momentum_step(lc::flat(n.learnt), lc::flat(n.weight_gradient), lc::flat(n.first_moment), by,
                            lc::reference{});
    }
  }
};
struct add_numbers {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::add_numbers(lc::flat(n.dx), lc::flat(n.x), lc::reference{});
    lc::op::sum_squares(n.squares[0], lc::flat(n.x), lc::reference{});
  }
};

struct multiply_out : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    n.multiplying_out.multiply_out(n.structured_weight.parameters, n.multiplied_out);
  }
};
template <class Weight>
struct format : reads_weights {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    Weight::of(n).run(n.x.view(), n.up.view(), n.dup.view(), n.dx.view());
  }
};
struct structured_format {
  template <class Numbers>
  LACUNA_HD static auto& of(Numbers& n) {
    return n.structured_weight;
  }
};
struct eight_bit_format {
  template <class Numbers>
  LACUNA_HD static auto& of(Numbers& n) {
    return n.weight_of_eight_bits;
  }
};
struct eight_bit_product {
  template <class Numbers>
  LACUNA_HD static auto& of(Numbers& n) {
    return n.product_of_eight_bits;
  }
};

/// In an order in which each operation reads what the ones before it wrote.
using all_operations = lc::type_list<
    embed, multiply, activate<lc::relu>, activate<lc::squared_relu>, activate<lc::silu>, activate<lc::sigmoid>,
    activate<lc::gelu>, activate<lc::gelu_tanh>, normalise, rotate<lc::rotary_pairs::neighbours>,
    rotate<lc::rotary_pairs::halves>, append, attend, attend_backward, corrected_scan<true>, corrected_scan<false>,
    summarise<lc::segments<5>>, summarise<lc::doubling_blocks>, append_backward, mix_rows, mix_rows_backward,
    write_keys, convolve_rows, scan<true>, scan<false>, feature_pairs, attend_edges, attend_edges_backward, select_keys,
    select_clustered, select_members, find_active, keep_largest, multiply_some_outputs, multiply_some_inputs,
    choose_experts, choose_experts_backward, dispatch, combine, cross_entropy, drop, transpose,
    format<structured_format>, format<eight_bit_format>, format<eight_bit_product>, multiply_out, accumulate_outer,
    multiply_transposed, sum_over_tokens, embed_backward, add_numbers, learn_by_adam, learn_by_momentum>;

template <class Operation, class Numbers>
__global__ void kernel_of(Numbers* n) {
  Operation::run(*n);
}

/// Notes where in an object its parts begin.
struct notes_places {
  const char* base;
  std::uint64_t* to;
  template <class Part>
  LACUNA_HD void operator()(const Part& part) {
    *to++ = static_cast<std::uint64_t>(reinterpret_cast<const char*>(&part) - base);
  }
};
constexpr std::size_t most_places = 128;
template <class Numbers>
LACUNA_HD void note_places(Numbers* n, std::uint64_t* to) {
  notes_places notes{reinterpret_cast<const char*>(n), to};
  n->results(notes);
  n->choices(notes);
  *notes.to = sizeof(Numbers);
}
template <class Numbers>
__global__ void kernel_of_places(Numbers* n, std::uint64_t* to) {
  note_places(n, to);
}

/// One operation on both sides.
template <class Numbers>
struct step {
  std::string name;
  void (*on_host)(Numbers&);
  void (*on_device)(Numbers*);
};

/// As it is written here: `scan<true>`.
template <class Type>
std::string name_of() {
  char* const spelled = abi::__cxa_demangle(typeid(Type).name(), nullptr, nullptr, nullptr);
  std::string name = spelled;
  std::free(spelled);
  for (const std::string prefix : {"(anonymous namespace)::", "lacuna::" LACUNA_TEXT(LACUNA_ABI) "::"})
    for (std::size_t at; (at = name.find(prefix)) != std::string::npos;) name.erase(at, prefix.size());
  return name;
}

template <class Operation, class Value, class Weight>
void add_step(std::vector<step<numbers<Value, Weight>>>& to) {
  using both_sides = numbers<Value, Weight>;
  constexpr bool second_form = std::is_base_of_v<is_second_form, Operation>;
  if constexpr (lc::same<Value, Weight> ? lc::same<Value, double> || !second_form
                                        : std::is_base_of_v<reads_weights, Operation>)
    to.push_back({name_of<Operation>(), Operation::template run<both_sides>, kernel_of<Operation, both_sides>});
}
template <class Value, class Weight, class... Operations>
auto steps_of(lc::type_list<Operations...>) {
  std::vector<step<numbers<Value, Weight>>> steps;
  (add_step<Operations, Value, Weight>(steps), ...);
  return steps;
}

/// Prints what failed, if it did.
bool succeeded(const char* where, cudaError_t error) {
  if (error != cudaSuccess) std::printf("%s: %s\n", where, cudaGetErrorString(error));
  return error == cudaSuccess;
}

/// Whether all parts of an object lie at the same places in device code and in host code; prints it, if not. (nvcc 13
/// takes an empty [[no_unique_address]] member at the end of a struct for some bytes in device code.)
template <class Numbers>
bool same_places(const char* name, Numbers& host, Numbers* device) {
  const auto fine = [&](cudaError_t error) { return succeeded(name, error); };
  std::vector<std::uint64_t> expected(most_places), found(most_places);
  note_places(&host, expected.data());
  constexpr std::size_t bytes = most_places * sizeof(std::uint64_t);
  std::uint64_t* places = nullptr;
  if (!fine(cudaMalloc(&places, bytes)) || !fine(cudaMemset(places, 0, bytes))) return false;
  kernel_of_places<<<1, 1>>>(device, places);
  if (!fine(cudaGetLastError()) || !fine(cudaDeviceSynchronize()) ||
      !fine(cudaMemcpy(found.data(), places, bytes, cudaMemcpyDeviceToHost)) || !fine(cudaFree(places)))
    return false;
  if (found != expected) std::printf("%s: members of structs lie elsewhere in device code than in host code\n", name);
  return found == expected;
}

/// Runs one operation on the device; `to` is what it makes of `from`.
template <class Numbers>
bool run_on_device(const step<Numbers>& of, const Numbers& from, Numbers* device, Numbers& to) {
  const auto fine = [&](cudaError_t error) { return succeeded(of.name.c_str(), error); };
  if (!fine(cudaMemcpy(device, &from, sizeof(Numbers), cudaMemcpyHostToDevice))) return false;
  of.on_device<<<1, 1>>>(device);
  return fine(cudaGetLastError()) && fine(cudaDeviceSynchronize()) &&
         fine(cudaMemcpy(&to, device, sizeof(Numbers), cudaMemcpyDeviceToHost));
}

/// What `results` and `choices` visit, in order.
template <class Numbers>
std::vector<std::vector<double>> results_of(Numbers& n) {
  std::vector<std::vector<double>> all;
  n.results([&](const auto& tensor) { all.emplace_back(std::begin(tensor.data), std::end(tensor.data)); });
  return all;
}
template <class Numbers>
std::vector<std::string> choices_of(Numbers& n) {
  std::vector<std::string> all;
  n.choices([&](const auto& integers) {
    static_assert(std::has_unique_object_representations_v<std::remove_cvref_t<decltype(integers)>>);
    all.emplace_back(reinterpret_cast<const char*>(integers), sizeof(integers));
  });
  return all;
}

/// The largest difference of two sides, relative to the largest finite number of a tensor; infinite where integers
/// differ, where only one side is infinite, and where something is no number.
template <class Numbers>
double difference(Numbers& host, Numbers& device) {
  if (choices_of(host) != choices_of(device)) return HUGE_VAL;
  const auto expected = results_of(host), found = results_of(device);
  double worst = 0;
  for (std::size_t tensor = 0; tensor < expected.size(); ++tensor) {
    double largest = 0, off = 0;
    for (std::size_t i = 0; i < expected[tensor].size(); ++i) {
      const double wanted = expected[tensor][i], is = found[tensor][i];
      if (std::isfinite(wanted)) largest = std::fmax(largest, std::fabs(wanted));
      if (is == wanted) continue;
      off = std::isfinite(is - wanted) ? std::fmax(off, std::fabs(is - wanted)) : HUGE_VAL;
    }
    if (off > 0) worst = std::fmax(worst, off / largest);
  }
  return worst;
}

/// Runs all operations on the host and, where there is a device, each on the device from the same numbers. Whether
/// all differ by `most` at most; otherwise, what does not is printed.
template <class Value, class Weight>
bool compare(const char* name, double most, bool has_device) {
  using both_sides = numbers<Value, Weight>;
  static_assert(std::is_trivially_copyable_v<both_sides>);  // its bytes go to the device and come back
  const auto host = std::make_unique<both_sides>(), copy = std::make_unique<both_sides>();
  both_sides* device = nullptr;
  if (has_device && !succeeded(name, cudaMalloc(&device, sizeof(both_sides)))) return false;
  if (has_device && !same_places(name, *host, device)) return false;
  host->fill();
  bool agree = true;
  double worst = 0;
  for (const auto& of : steps_of<Value, Weight>(all_operations{})) {
    const bool ran = !has_device || run_on_device(of, *host, device, *copy);
    if (!ran) return false;  // nothing runs on a device after that
    of.on_host(*host);
    const double off = has_device ? difference(*host, *copy) : difference(*host, *host);
    if (!(off <= most)) std::printf("%s: %s differs by %.3g\n", name, of.name.c_str(), off), agree = false;
    worst = std::fmax(worst, off);
  }
  if (has_device && !succeeded(name, cudaFree(device))) return false;
  if (has_device) std::printf("%s: largest difference of device and host %.3g\n", name, worst);
  return agree;
}

}  // namespace

int main() {
  int devices = 0;
  const cudaError_t found = cudaGetDeviceCount(&devices);
  const bool none = found == cudaErrorNoDevice || found == cudaErrorInsufficientDriver || found == cudaErrorStubLibrary;
  if (!none && !succeeded("devices", found)) return 1;
  // Device code contracts products and sums; host code does not.
  const bool single = compare<float, float>("f32", 1e-5, !none), wide = compare<double, double>("f64", 1e-13, !none);
  const bool stored = compare<float, lc::bfloat16>("bf16 weights", 1e-5, !none);
  if (!(single && wide && stored)) return 1;
  if (none) return std::printf("no device (%s): ran on the host only\n", cudaGetErrorString(found)), 77;
  return 0;
}
