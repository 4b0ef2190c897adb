// Attention by block plans: prefill of whole streams (the plan is built inside the timing), and decoding one token
// beside a loop that is written by hand for its one shape. Bytes are those of rows, keys, values and states that have
// to pass, each once; keys and values of a long stream pass more often than that.
#include "support/bench.hpp"

#include <cmath>
#include <lacuna/with_simd.hpp>
#include <memory>

namespace {
namespace lc = lacuna;

using rule = lc::score_rule<lc::softmax, lc::no_score_bias, float>;

template <class Route, lc::extent_t Tokens, lc::extent_t Context, lc::extent_t Heads, lc::extent_t KvHeads,
          lc::extent_t HeadWidth>
struct stream {
  static constexpr lc::extent_t columns = Heads * HeadWidth, kv_columns = KvHeads * HeadWidth;
  using cache_type = lc::cache_view<float, KvHeads, HeadWidth, lc::linear_cache::address>;
  using readable = lc::cache_view<const float, KvHeads, HeadWidth, lc::linear_cache::address>;
  lc::tensor<float, Tokens, columns> query, mixed;
  lc::tensor<float, lc::blocks_of(Context), KvHeads, HeadWidth, lc::block_keys> keys, values;
  lc::tensor<float, Context, kv_columns> key, value;
  lc::shared_plan<Route, Tokens, Context> plan;

  stream() {
    std::uint64_t drawn = 0;
    for (float& of : query.data) of = static_cast<float>(lc::random_normal(1, 0, drawn++));
    for (float& of : key.data) of = static_cast<float>(lc::random_normal(1, 1, drawn++));
    for (float& of : value.data) of = static_cast<float>(lc::random_normal(1, 2, drawn++));
    lc::op::append(cache_type{keys.data, values.data, {}}, key.view(), value.view(), 0, lc::reference{});
  }
  readable cache() const { return {keys.data, values.data, {}}; }
  template <class Backend>
  void attend(lc::extent_t first, const Backend& backend) {
    plan.prepare(first, Tokens);
    lc::op::attend(mixed.view(), lc::rows<float, Heads>{nullptr, Tokens}, query.view(), cache(), plan.view(),
                   rule{static_cast<float>(lc::dot::scale(HeadWidth))}, backend);
  }
};

/// Bytes that a layer keeps of a stream of `Tokens`.
template <lc::extent_t Tokens, class Attention>
inline constexpr lc::extent_t kept_by = lc::state_bytes<
    lc::decoder<lc::vocabulary<2>, lc::width<384>, lc::context<Tokens>, lc::pre_norm<lc::rms_norm<>, Attention>>,
    lc::f32>;

/// Bytes of rows of f32.
constexpr double bytes_of(lc::extent_t rows, lc::extent_t columns) {
  return static_cast<double>(rows * columns * sizeof(float));
}

/// A whole stream; the work counted is that of visible pairs alone: a product for the score and one for the value.
template <class Route, lc::extent_t Tokens>
void add_prefill(const std::string& name) {
  constexpr lc::extent_t heads = 6, width = 64;
  bench::add(name, [](benchmark::State& state) {
    auto of = std::make_unique<stream<Route, Tokens, Tokens, heads, heads, width>>();
    for (auto _ : state) {
      of->attend(0, lc::simd{});
      benchmark::DoNotOptimize(of->mixed.data);
    }
    state.counters["flop"] = 4.0 * static_cast<double>(of->plan.visible) * heads * width;
    state.counters["byte"] = bytes_of(4 * Tokens, heads * width);
    state.counters["token"] = static_cast<double>(Tokens);
    state.counters["state"] = static_cast<double>(kept_by<Tokens, lc::attention<lc::heads<heads>, Route>>);
  });
}

// Composed routes, with the sizes of their papers where these are of this order.
using windowed = lc::both<lc::causal, lc::window<256>>;
using sinks_and_window = lc::both<lc::causal, lc::either<lc::columns<lc::leading<4>>, lc::window<256>>>;
using window_and_columns = lc::either<lc::window<256>, lc::columns<lc::listed<0, 500, 1000, 1500>>>;
using big_bird =
    lc::by_rows<lc::edges<64>, lc::full,
                lc::either<lc::either<lc::columns<lc::edges<64>>, lc::block_window<64>>, lc::random_blocks<64>>>;
/// A route of a user's, which the library knows nothing of: a title of 20 tokens, the paragraph of 150 before the row's
/// own, and its own up to itself.
struct paragraphs {
  using slot = lc::slots::route;
  [[maybe_unused]] static constexpr auto name = lc::fixed_string("paragraphs");
  static constexpr lc::spans<2> spans(lc::extent_t query, lc::extent_t) {
    const lc::extent_t own = query / 150;
    lc::spans<2> seen;
    seen.add(0, query < 20 ? query + 1 : 20);
    seen.add(own == 0 ? 0 : (own - 1) * 150, query + 1);
    return seen;
  }
};

/// The same decoding by hand for 256 keys, 6 heads of 64 columns on 2 key heads: every size a constant, no plan, no
/// mask, no fold.
void decode_by_hand(float* mixed, const float* query, const float* keys, const float* values) {
  using lc::simd_lanes::lanes;
  constexpr std::size_t width = 64, heads = 6, kv_heads = 2, group = heads / kv_heads, blocks = 16;
  constexpr std::size_t n = lanes::lane_count, per_block = 16 / n, across = width / n;
  alignas(64) float scores[heads][blocks * 16];
  for (std::size_t kv = 0; kv < kv_heads; ++kv)
    for (std::size_t r = 0; r < blocks * per_block; r += 2) {
      lanes sums[group][2];
      for (auto& of : sums) of[0] = of[1] = lanes(0);
      const float* k0 = keys + (r / per_block * kv_heads + kv) * width * 16 + r % per_block * n;
      const float* k1 = keys + ((r + 1) / per_block * kv_heads + kv) * width * 16 + (r + 1) % per_block * n;
      for (std::size_t d = 0; d < width; ++d) {
        const lanes left = lanes::load(k0 + d * 16), right = lanes::load(k1 + d * 16);
        for (std::size_t h = 0; h < group; ++h) {
          const lanes one(query[(kv * group + h) * width + d]);
          sums[h][0] = multiply_add(one, left, sums[h][0]);
          sums[h][1] = multiply_add(one, right, sums[h][1]);
        }
      }
      for (std::size_t h = 0; h < group; ++h) {
        (sums[h][0] * lanes(0.125f)).store(scores[kv * group + h] + r * n);
        (sums[h][1] * lanes(0.125f)).store(scores[kv * group + h] + (r + 1) * n);
      }
    }
  float inverse[heads];
  for (std::size_t h = 0; h < heads; ++h) {
    lanes top = lanes::load(scores[h]);
    for (std::size_t j = n; j < blocks * 16; j += n) top = lane_larger(lanes::load(scores[h] + j), top);
    const lanes largest(largest_of(top));
    lanes sum(0);
    for (std::size_t j = 0; j < blocks * 16; j += n) {
      const lanes weight = weight_exp(lanes::load(scores[h] + j) - largest);
      weight.store(scores[h] + j);
      sum = sum + weight;
    }
    inverse[h] = 1 / sum_of(sum);
  }
  for (std::size_t kv = 0; kv < kv_heads; ++kv) {
    lanes sums[group][across];
    for (auto& of : sums)
      for (auto& sum : of) sum = lanes(0);
    for (std::size_t j = 0; j < blocks * 16; ++j) {
      const float* v = values + ((j / 16 * kv_heads + kv) * 16 + j % 16) * width;
      for (std::size_t r = 0; r < across; ++r) {
        const lanes of = lanes::load(v + r * n);
        for (std::size_t h = 0; h < group; ++h)
          sums[h][r] = multiply_add(lanes(scores[kv * group + h][j]), of, sums[h][r]);
      }
    }
    for (std::size_t h = 0; h < group; ++h)
      for (std::size_t r = 0; r < across; ++r)
        (sums[h][r] * lanes(inverse[kv * group + h])).store(mixed + (kv * group + h) * width + r * n);
  }
}

void add_decode() {
  using type = stream<lc::causal, 1, 256, 6, 2, 64>;
  auto of = std::make_shared<type>();
  const auto set_counters = [](benchmark::State& state) {
    state.counters["flop"] = 4.0 * 256 * 6 * 64;
    state.counters["byte"] = bytes_of(2 * 256, type::kv_columns) + bytes_of(2, type::columns);
    state.counters["token"] = 1;
  };
  bench::add("decode 256 tokens, 6 heads on 2/lacuna", [of, set_counters](benchmark::State& state) {
    for (auto _ : state) {
      of->attend(255, lc::simd{});
      benchmark::DoNotOptimize(of->mixed.data);
    }
    set_counters(state);
  });
  bench::add("decode 256 tokens, 6 heads on 2/by hand", [of, set_counters](benchmark::State& state) {
    of->attend(255, lc::simd{});
    const auto expected = of->mixed;
    for (auto _ : state) {
      decode_by_hand(of->mixed.data, of->query.data, of->keys.data, of->values.data);
      benchmark::DoNotOptimize(of->mixed.data);
    }
    for (std::size_t i = 0; i < type::columns; ++i)
      if (std::abs(expected[i] - of->mixed[i]) > 1e-5f) state.SkipWithError("the results differ");
    set_counters(state);
  });
}

/// One head's choice of keys, as the schedule of dynamic routes makes it.
template <class Backend>
void add_selection(const std::string& name) {
  bench::add(name, [](benchmark::State& state) {
    constexpr lc::extent_t tokens = 2048, width = 64;
    using route = lc::top_k<64>;
    using cache = lc::cache_view<const float, 1, width, lc::linear_cache::address>;
    using input =
        lc::selection_input<float, cache, rule, lc::rows<const float, width>, cache, lc::nothing, lc::nothing>;
    struct head {
      stream<lc::causal, tokens, tokens, 1, 1, width> of;
      lc::stored_plan<tokens, tokens, route::most(tokens)> plan;
      route::workspace<float, tokens, lc::attention_shape<width, tokens, 1, 1, width>> work;
    };
    auto own = std::make_unique<head>();
    const cache keys = own->of.cache();
    const rule how{0.125f};
    const auto query = lc::readable(own->of.query.view());
    lc::nothing none;
    const input asked{query, keys, how, 0, 0, query, keys, nullptr, none, none};
    const lc::route_selection<route, decltype(own->plan), decltype(own->work), input> selection{own->plan, own->work,
                                                                                                asked};
    for (auto _ : state) {
      lc::op::select(selection, Backend{});
      benchmark::DoNotOptimize(own->plan.visible);
    }
    state.counters["flop"] = 2.0 * static_cast<double>(selection.multiply_adds());
    state.counters["byte"] = bytes_of(2 * tokens, width);
    state.counters["token"] = static_cast<double>(tokens);
  });
}

/// Attention through features, and a stream of it that goes on token by token.
using linear = lc::favor<128>;
struct linear_stream {
  static constexpr lc::extent_t heads = 6, width = 64, columns = heads * width, features = linear::count(width);
  static constexpr lc::extent_t tokens = 2048;
  lc::tensor<float, tokens, columns> query, key, value, mixed;
  lc::tensor<float, linear::projections(width), width> directions;
  lc::tensor<float, heads, features, width> sums;
  lc::tensor<float, heads, features> totals;
  lc::tensor<float, heads> scale;

  linear_stream() {
    std::uint64_t drawn = 0;
    for (float& of : query.data) of = static_cast<float>(lc::random_normal(1, 0, drawn++));
    for (float& of : key.data) of = static_cast<float>(lc::random_normal(1, 1, drawn++));
    for (float& of : value.data) of = static_cast<float>(lc::random_normal(1, 2, drawn++));
    linear::draw(directions.data, width);
    clear();
  }
  lc::scan_state<float, heads, features, width> state() { return {sums.data, totals.data, scale.data}; }
  void clear() { state().clear(); }
  template <bool Causal, class Backend>
  void scan(lc::extent_t first, lc::extent_t count, const Backend& backend) {
    lc::op::scan(mixed.view().slice(first, count),
                 lc::scan_rows<float, heads, heads>{{nullptr, count}, {nullptr, count}},
                 query.view().slice(first, count), key.view().slice(first, count), value.view().slice(first, count),
                 state(), linear::map<float, width>(directions.data), lc::constant<bool, Causal>{}, backend);
  }
  /// Features and products with the state, of keys and of queries.
  static constexpr double flop_of_token = 2.0 * 2 * heads * (128 * width + features * (width + 1));
  /// Queries, keys, values and outputs; directions; the state, which is read and written.
  static constexpr double bytes_of_stream(lc::extent_t count) {
    return bytes_of(4 * count, columns) + sizeof(directions) + 2.0 * (sizeof(sums) + sizeof(totals) + sizeof(scale));
  }
};
template <bool Causal, class Backend>
void add_linear(const std::string& name) {
  bench::add(name, [](benchmark::State& state) {
    auto of = std::make_unique<linear_stream>();
    for (auto _ : state) {
      of->clear();
      of->scan<Causal>(0, of->tokens, Backend{});
      benchmark::DoNotOptimize(of->mixed.data);
    }
    state.counters["flop"] = of->flop_of_token * of->tokens;
    state.counters["byte"] = of->bytes_of_stream(of->tokens);
    state.counters["token"] = static_cast<double>(of->tokens);
  });
}

/// One token after `Tokens` others.
template <lc::extent_t Tokens>
void add_streams() {
  const std::string after = " after " + std::to_string(Tokens) + "/lacuna";
  bench::add("token, 128 features," + after, [](benchmark::State& state) {
    auto of = std::make_unique<linear_stream>();
    for (lc::extent_t done = 0; done < Tokens; done += 1024) of->scan<true>(0, 1024, lc::simd{});
    lc::extent_t next = 0;
    for (auto _ : state) {
      of->scan<true>(next++ % of->tokens, 1, lc::simd{});
      benchmark::DoNotOptimize(of->mixed.data);
    }
    state.counters["flop"] = of->flop_of_token;
    state.counters["byte"] = of->bytes_of_stream(1);
    state.counters["token"] = 1;
    state.counters["state"] = kept_by<2 * Tokens, lc::attention<lc::heads<6>, lc::causal, linear>>;
  });
  bench::add("token, window 256, ring," + after, [](benchmark::State& state) {
    constexpr lc::extent_t heads = 6, width = 64, columns = heads * width, context = 1'000'000'000;
    using ring = lc::ring_cache<256>;
    constexpr lc::extent_t blocks = ring::blocks(lc::blocks_of(context));
    struct kept {
      lc::tensor<float, blocks, heads, width, lc::block_keys> keys, values;
      lc::tensor<float, 1, columns> query, key, value, mixed;
      lc::shared_plan<windowed, 1, context> plan;
    };
    auto of = std::make_unique<kept>();
    lc::extent_t at = 0;
    const auto step = [&] {
      for (float& x : of->query.data) x = 0.001f * static_cast<float>((at + 7) % 1000);
      for (float& x : of->key.data) x = 0.001f * static_cast<float>(at % 1000);
      of->plan.prepare(at, 1);
      lc::op::append(lc::cache_view<float, heads, width, ring::address>{of->keys.data, of->values.data, {}},
                     of->key.view(), of->value.view(), at, lc::simd{});
      lc::op::attend(of->mixed.view(), lc::rows<float, heads>{nullptr, 1}, of->query.view(),
                     lc::cache_view<const float, heads, width, ring::address>{of->keys.data, of->values.data, {}},
                     of->plan.view(), rule{0.125f}, lc::simd{});
      ++at;
    };
    while (at < Tokens) step();
    for (auto _ : state) {
      step();
      benchmark::DoNotOptimize(of->mixed.data);
    }
    state.counters["flop"] = 4.0 * 256 * columns;
    state.counters["byte"] = bytes_of(2 * 256 + 6, columns);  // of the row's own key and value, read and written
    state.counters["token"] = 1;
    state.counters["state"] = kept_by<2 * Tokens, lc::attention<lc::heads<6>, windowed, ring>>;
  });
}

}  // namespace

int main(int count, char** arguments) {
  // One head's keys and values, those of a window, and rows, keys and values of 512, 2048 and 8192 tokens.
  bench::add_limits(
      {std::size_t{1} << 18, std::size_t{1} << 20, std::size_t{3} << 20, std::size_t{12} << 20, std::size_t{48} << 20});
  add_prefill<lc::causal, 512>("causal n=512/lacuna");
  add_prefill<lc::causal, 2048>("causal n=2048/lacuna");
  add_prefill<windowed, 512>("window 256 n=512/lacuna");
  add_prefill<windowed, 2048>("window 256 n=2048/lacuna");
  add_prefill<windowed, 8192>("window 256 n=8192/lacuna");
  add_prefill<lc::causal, 8192>("window 256 n=8192/causal, all keys");
  add_prefill<sinks_and_window, 2048>("4 sinks + window 256 n=2048/lacuna");
  add_prefill<window_and_columns, 2048>("window 256 + 4 columns n=2048/lacuna");
  add_prefill<big_bird, 2048>("BigBird 64 n=2048/lacuna");
  add_prefill<paragraphs, 2048>("a user's route n=2048/lacuna");
  bench::add_ratio("window 256, a token at n=8192 over one at n=2048", "window 256 n=8192/lacuna",
                   "window 256 n=2048/lacuna", bench::per::token);
  add_selection<lc::simd>("the 64 best of all before, one head, n=2048/lacuna");
  add_selection<lc::reference>("the 64 best of all before, one head, n=2048/reference");
  add_linear<true, lc::simd>("128 features, causal n=2048/lacuna");
  add_linear<true, lc::reference>("128 features, causal n=2048/reference");
  add_linear<false, lc::simd>("128 features, all keys n=2048/lacuna");
  add_linear<false, lc::reference>("128 features, all keys n=2048/reference");
  add_streams<1024>();
  add_streams<8192>();
  bench::add_ratio("128 features, a token after 8192 over one after 1024", "token, 128 features, after 8192/lacuna",
                   "token, 128 features, after 1024/lacuna");
  bench::add_ratio("window 256 in a ring, a token after 8192 over one after 1024",
                   "token, window 256, ring, after 8192/lacuna", "token, window 256, ring, after 1024/lacuna");
  add_decode();
  return bench::run(count, arguments, 11);
}
