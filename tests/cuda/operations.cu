// Every operation of op/ on the reference backend, in device code and in host code from the same functions, without
// experimental switches of nvcc. tests/cuda/run.py compiles it; built as a program it also compares device and host.
#include <lacuna/lacuna.hpp>

#include <cstdio>
#include <memory>

namespace {
namespace lc = lacuna;

constexpr lc::extent_t vocabulary = 9, width = 8, hidden = 12, tokens = 19, context = 32;
constexpr lc::extent_t heads = 4, kv_heads = 2, head_width = 2, kv_width = kv_heads * head_width;
constexpr lc::extent_t mixed_rows = 3, first_atom = 20, features = 4;
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

/// Everything that the operations read and write: one object in memory that both sides reach.
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
  std::uint32_t stream[tokens]{};

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

  /// Calls `f` for everything that an operation writes.
  template <class Function>
  void results(Function&& f) {
    f(table_gradient), f(weight_gradient), f(gain_gradient), f(x), f(dx), f(query), f(dquery), f(mixed), f(dmixed);
    f(up), f(dup), f(inverse), f(log_scale), f(key), f(value), f(dkey), f(dvalue), f(keys), f(dkeys), f(cached);
    f(dcached), f(share_gradient), f(few), f(dfew), f(largest), f(taps_gradient), f(sums), f(totals), f(denominator);
    f(key_features), f(dkey_features), f(dfeature_values);
    auto& terms = structured_weight.gradients;
    auto& tile = terms.second.second.tiles_part.template at<1>();
    f(terms.first.values), f(terms.second.first.values), f(tile.weight.left.weight), f(tile.weight.right.weight.weight);
    f(weight_of_eight_bits.gradients.scale), f(product_of_eight_bits.gradients.scale);
  }
  void fill() {
    std::uint64_t counter = 0;
    const auto draw = [&](auto& tensor) {
      using element = typename std::remove_reference_t<decltype(tensor)>::element;
      for (auto& of : tensor.data)
        of = static_cast<element>(static_cast<lc::compute_t<element>>(lc::random_normal(29, 0, counter++)));
    };
    draw(table), draw(weight), draw(gain), draw(share), draw(taps), draw(directions);
    results(draw);
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
    angles.build();
    plan.prepare(0, tokens);
  }
};

// One struct per operation: `run` is what host and device share.

struct embed {
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
struct multiply {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::multiply(n.up.view(), n.x.view(), n.weight, lc::nothing{}, lc::reference{});
  }
};
struct multiply_transposed {
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
    lc::op::evaluate(n.up.view(), lc::map<Activation>(n.up.view()), lc::reference{});
    lc::op::evaluate(n.dup.view(), n.dup.view() * lc::map_derivative<Activation>(n.up.view()), lc::reference{});
  }
};
struct normalise {  // reductions over columns; a column, a row vector and a number broadcast
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

struct mix_rows {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::mix_rows(n.few.view(), n.x.view(), lc::readable(n.share.view()), lc::reference{});
  }
};
struct mix_rows_backward {
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
struct convolve_rows {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    lc::op::convolve_rows(n.mixed.view(), n.x.view(), n.taps, lc::reference{});
    lc::op::convolve_rows_backward(n.dx.view(), n.taps_gradient, n.dmixed.view(), n.x.view(), n.taps, lc::reference{});
  }
};
template <bool Causal>
struct scan {
  template <class Numbers>
  LACUNA_HD static void run(Numbers& n) {
    using value = typename decltype(n.mixed)::element;
    using state = lc::scan_state<value, kv_heads, features, head_width>;
    const state now{n.sums.data, n.totals.data, n.state_scale.data};
    const state turned{n.dsums.data, n.dtotals.data, n.dstate_scale.data};
    const auto map = lc::favor<features>::template map<value, head_width>(n.directions.data);
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
    const auto map = lc::favor<features>::template map<value, head_width>(n.directions.data);
    const lc::feature_rows<value, heads> saved{n.row_scale.view(), n.denominator.view()};
    lc::op::feature_pairs(n.mixed.view(), saved, n.query.view(), n.key.view(), n.value.view(), now, n.plan.view(), map,
                          lc::reference{});
    lc::op::feature_pairs_backward(n.dquery.view(), n.dkey.view(), n.dvalue.view(), n.mixed.view(), n.dmixed.view(),
                                   saved, n.query.view(), n.key.view(), now, adjoint, n.plan.view(), map,
                                   lc::reference{});
  }
};

template <class Weight>
struct format {
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
using all_operations =
    lc::type_list<embed, multiply, activate<lc::relu>, activate<lc::squared_relu>, activate<lc::silu>,
                  activate<lc::sigmoid>, activate<lc::gelu>, activate<lc::gelu_tanh>, normalise,
                  rotate<lc::rotary_pairs::neighbours>, rotate<lc::rotary_pairs::halves>, append, attend,
                  attend_backward, summarise<lc::segments<5>>, summarise<lc::doubling_blocks>, append_backward,
                  mix_rows, mix_rows_backward, write_keys, convolve_rows, scan<true>, scan<false>, feature_pairs,
                  format<structured_format>, format<eight_bit_format>, format<eight_bit_product>, accumulate_outer,
                  multiply_transposed, sum_over_tokens, embed_backward>;

template <class Operation, class Numbers>
__global__ void kernel_of(Numbers* n) {
  Operation::run(*n);
}

template <class Numbers, class... Operations>
void run_on_host(Numbers& n, lc::type_list<Operations...>) {
  (Operations::run(n), ...);
}
template <class Numbers, class... Operations>
bool run_on_device(Numbers* n, lc::type_list<Operations...>) {
  (kernel_of<Operations><<<1, 1>>>(n), ...);
  return cudaDeviceSynchronize() == cudaSuccess;
}

/// The largest difference of device and host, relative to the largest value of a tensor; negative without a device.
template <class Value, class Weight>
double compare(const char* name) {
  using both_sides = numbers<Value, Weight>;
  const auto host = std::make_unique<both_sides>();
  host->fill();
  run_on_host(*host, all_operations{});
  void* memory = nullptr;
  if (cudaMallocManaged(&memory, sizeof(both_sides)) != cudaSuccess) return -1;
  auto* const device = new (memory) both_sides();
  device->fill();
  double worst = run_on_device(device, all_operations{}) ? 0 : 1;
  lc::tensor<double, 64> largest;
  lc::extent_t at = 0;
  host->results([&](const auto& tensor) {
    for (const auto of : tensor.data) largest[at] = lc::maths::larger(largest[at], lc::maths::absolute(double(of)));
    ++at;
  });
  const Value* expected[64]{};
  at = 0;
  host->results([&](const auto& tensor) { expected[at++] = tensor.data; });
  at = 0;
  device->results([&](const auto& tensor) {
    for (lc::extent_t i = 0; i < std::size(tensor.data); ++i) {
      const double off = lc::maths::absolute(double(tensor.data[i]) - double(expected[at][i])) / largest[at];
      if (off > worst || off != off) worst = off;  // a NaN stays
    }
    ++at;
  });
  cudaFree(memory);
  std::printf("%s: largest difference of device and host %.3g\n", name, worst);
  return worst;
}

}  // namespace

int main() {
  // Device code contracts products and sums; host code does not.
  const double single = compare<float, float>("f32"), wide = compare<double, double>("f64");
  const double stored = compare<float, lc::bfloat16>("bf16 weights");
  if (single < 0) return std::puts("no device: ran on the host only"), 77;
  return single < 1e-4 && wide < 1e-12 && stored < 1e-4 ? 0 : 1;
}
