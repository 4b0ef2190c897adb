// Attentions whose routes are known before the tokens are, against independent implementations
// (tests/reference/attention), and what their projections, scores and gates are in terms of each other.
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;
namespace zoo = lacuna::zoo;

template <lc::extent_t Heads, class... Policies>
using heads_of = lc::attention<lc::heads<Heads>, Policies...>;

/// BigBird with the random blocks that the file lists.
template <lc::extent_t Tokens, lc::extent_t Block, lc::extent_t Count>
struct listed_blocks {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("listed_blocks");
  static constexpr bool sees_ahead = true;
  static inline lc::extent_t of[Tokens / Block][Count];
  static lc::spans<Count> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<Count> seen;
    for (const lc::extent_t block : of[query / Block])
      if (block * Block < Tokens) seen.add(block * Block, block * Block + Block);
    return seen;
  }
  static void read(const numbers& from) {
    REQUIRE(from.of.size() == Tokens / Block * Count);
    for (lc::extent_t b = 0; b < Tokens / Block; ++b) {
      for (lc::extent_t i = 0; i < Count; ++i) {
        const double listed = from.of[b * Count + i];
        of[b][i] = listed < 0 ? Tokens : static_cast<lc::extent_t>(listed);
      }
      std::sort(std::begin(of[b]), std::end(of[b]));
    }
  }
};

/// A layer of random weights in f64, and its gradients; a gate is as a new one. Tensors of the same name hold the same
/// numbers, if they are as large.
inline constexpr lc::extent_t width = 16, tokens = 21;
template <class Recipe>
struct random_layer : lone_attention<Recipe, width, tokens, lc::f64> {
  using base = lone_attention<Recipe, width, tokens, lc::f64>;
  typename base::bound::template parameters<lc::gradients<double>> gradients{};
  typename base::bound::template state<lc::gradients<double>> state_adjoint{};
  typename base::bound::template memory<lc::reuse<double, tokens>> adjoint{};
  lc::tensor<double, tokens, width> dy, dx{};

  random_layer() {
    draw(this->x, 1), draw(dy, 2);
    auto& to = this->parameters;
    draw(to.output.weight, 3), draw(to.value.weight, 4);
    if constexpr (requires { to.query_key; })
      draw(to.query_key.weight, 5);
    else
      draw(to.query.weight, 5), draw(to.key.weight, 6);
  }
  template <class Tensor>
  static void draw(Tensor& to, std::uint64_t stream) {
    for (lc::extent_t i = 0; i < Tensor::size; ++i) to[i] = 0.5 * lc::random_normal(8, stream, i);
  }
  void forward() {
    base::bound::refresh(this->parameters, this->derived);
    base::forward(0, tokens);
  }
  void backward() {
    const lc::reference backend{};
    const lc::run<lc::reference, decltype(this->shared)> run{0, backend, this->shared};
    base::bound::backward(lc::values{this->parameters, this->state, this->memory, this->derived},
                          lc::adjoints{gradients, state_adjoint, adjoint}, this->x.view(), dy.view(), dx.view(), run);
  }
};
template <class Tensor>
double apart(const Tensor& a, const Tensor& b) {
  return relative_difference(a.data, std::vector<double>(b.data, b.data + Tensor::size));
}

/// One projection of queries and keys against two that are equal.
template <lc::shared_form Form>
void check_shared() {
  constexpr bool centred = Form == lc::shared_form::normalised;
  constexpr lc::extent_t heads = 2, columns = width / heads;
  // As the library has it: an f32 under the root.
  constexpr double epsilon = static_cast<double>(1e-6f);
  auto shared =
      std::make_unique<random_layer<heads_of<heads, lc::causal, lc::shared_query_key<Form>, lc::plain_dot>>>();
  // Keys of length 1 are those of a root mean square of 1 over the root of their columns.
  using score = std::conditional_t<centred, lc::plain_dot, lc::dot>;
  auto separate = std::make_unique<random_layer<heads_of<heads, lc::causal, score>>>();
  const auto run_both = [&] {
    separate->parameters.query.weight = separate->parameters.key.weight = shared->parameters.query_key.weight;
    separate->x = shared->x;
    shared->forward(), separate->forward();
  };
  run_both();
  const auto query = shared->memory.query.first(tokens), key = shared->memory.key.first(tokens);
  const auto equal = separate->memory.query.first(tokens);
  for (lc::extent_t t = 0; t < tokens; ++t)
    for (lc::extent_t first = 0; first < width; first += columns) {
      double mean = 0, square = 0;
      for (lc::extent_t c = 0; c < columns; ++c) mean += centred ? equal(t, first + c) / columns : 0;
      for (lc::extent_t c = 0; c < columns; ++c) square += std::pow(equal(t, first + c) - mean, 2) / columns;
      for (lc::extent_t c = 0; c < columns; ++c) {
        const double of = equal(t, first + c) - mean, normalised = of / std::sqrt(square + epsilon);
        REQUIRE(query(t, first + c) == doctest::Approx(centred ? normalised : of).epsilon(1e-12).scale(1));
        REQUIRE(key(t, first + c) ==
                doctest::Approx(centred ? normalised : normalised / std::sqrt(columns)).epsilon(1e-12).scale(1));
      }
    }
  CHECK(apart(shared->y, separate->y) > 1e-2);
  // Inputs of mean 0 and of that mean square in every head, and a projection that mirrors: there is nothing to do.
  for (lc::extent_t row = 0; row < tokens * heads; ++row) {
    double* x = shared->x.data + row * columns;
    double mean = 0, square = 0;
    for (lc::extent_t c = 0; c < columns; ++c) mean += x[c] / columns;
    for (lc::extent_t c = 0; c < columns; ++c) x[c] -= mean, square += x[c] * x[c] / columns;
    for (lc::extent_t c = 0; c < columns; ++c) x[c] *= std::sqrt((1 - epsilon) / square);
  }
  auto& mirror = shared->parameters.query_key.weight;
  const double* axis = shared->x.data;  // of squares that add up to columns (1 - epsilon)
  for (lc::extent_t i = 0; i < width; ++i)
    for (lc::extent_t j = 0; j < width; ++j) {
      const bool same_head = i / columns == j / columns;
      mirror[i * width + j] =
          (i == j) - same_head * 2 * axis[i % columns] * axis[j % columns] / columns / (1 - epsilon);
    }
  run_both();
  CHECK(apart(shared->y, separate->y) < 1e-12);
}

}  // namespace

TEST_CASE("multi-head, grouped heads, alibi") {
  auto cases = read_cases("multi_head");
  check_case<zoo::multi_head_attention<3, lc::causal>, 24, 21>(cases["multi_head_21"], "y");
  check_case<zoo::multi_head_attention<4, lc::causal>, 32, 33>(cases["multi_head_33"], "y");
  cases = read_cases("grouped_query");
  using halves = lc::rope<lc::theta{}, lc::rotary_pairs::halves>;
  check_case<zoo::grouped_query_attention<3, 1, lc::causal, lc::rope<>>, 24, 21>(cases["grouped_query_21"], "y");
  check_case<zoo::grouped_query_attention<3, 1, lc::causal, halves>, 24, 21>(cases["grouped_query_21"], "y.halves");
  check_case<zoo::grouped_query_attention<4, 2, lc::causal, lc::rope<>>, 32, 40>(cases["grouped_query_40"], "y");
  check_case<zoo::grouped_query_attention<4, 2, lc::causal, halves>, 32, 40>(cases["grouped_query_40"], "y.halves");
  cases = read_cases("alibi");
  check_case<heads_of<3, lc::causal, lc::alibi>, 24, 21>(cases["alibi_21"], "y");
  check_case<heads_of<3, lc::full, lc::alibi>, 24, 21>(cases["alibi_21"], "y.full");
  check_case<heads_of<4, lc::causal, lc::alibi>, 24, 27>(cases["alibi_27"], "y");
  check_case<heads_of<4, lc::full, lc::alibi>, 24, 27>(cases["alibi_27"], "y.full");
}

TEST_CASE("windows, chunks, blocks") {
  auto cases = read_cases("masformer");
  check_case<zoo::masformer_attention<3, 4>, 24, 21>(cases["masformer_21"], "y");
  check_case<zoo::masformer_attention<2, 8>, 16, 40>(cases["masformer_40"], "y");
  cases = read_cases("dilated_window");
  using three_by_two = lc::dilated_window<4, lc::dilation{2}>;
  using four_by_three = lc::dilated_window<5, lc::dilation{3}>;
  check_case<heads_of<3, three_by_two>, 24, 21>(cases["dilated_window_21"], "y");
  check_case<heads_of<3, lc::both<lc::causal, three_by_two>>, 24, 21>(cases["dilated_window_21"], "y.causal");
  check_case<heads_of<2, four_by_three>, 16, 40>(cases["dilated_window_40"], "y");
  check_case<heads_of<2, lc::both<lc::causal, four_by_three>>, 16, 40>(cases["dilated_window_40"], "y.causal");
  cases = read_cases("bigbird");
  using blocks_of_4 = listed_blocks<48, 4, 2>;
  using blocks_of_8 = listed_blocks<48, 8, 1>;
  blocks_of_4::read(cases["bigbird_4"].tensor("random_blocks"));
  blocks_of_8::read(cases["bigbird_8"].tensor("random_blocks"));
  check_case<zoo::bigbird_attention<3, 4, blocks_of_4>, 24, 48>(cases["bigbird_4"], "y");
  check_case<zoo::bigbird_attention<2, 8, blocks_of_8>, 16, 48>(cases["bigbird_8"], "y");
}

TEST_CASE("sinks in a window, and softmax1") {
  auto cases = read_cases("sinks");
  using lc::causal;
  check_case<heads_of<3, lc::both<causal, lc::either<lc::columns<lc::leading<2>>, lc::window<5>>>>, 24, 21>(
      cases["sinks_21"], "y.window");
  check_case<heads_of<2, lc::kv_heads<1>, lc::both<causal, lc::either<lc::columns<lc::leading<4>>, lc::window<9>>>>, 16,
             33>(cases["sinks_33"], "y.window");
  check_case<zoo::streaming_attention<3, 5, 2>, 24, 21>(cases["sinks_21"], "y.window");
  check_case<zoo::streaming_attention<2, 9, 4, lc::kv_heads<1>>, 16, 33>(cases["sinks_33"], "y.window");
  check_case<heads_of<3, causal, lc::softmax1>, 24, 21>(cases["sinks_21"], "y.softmax1");
  check_case<heads_of<2, lc::kv_heads<1>, causal, lc::softmax1>, 16, 33>(cases["sinks_33"], "y.softmax1");
}

TEST_CASE("clipped softmax, l2_gelu, gates") {
  auto cases = read_cases("clipped_softmax");
  constexpr lc::stretch wide{-0.03f, 1.1f};
  check_case<zoo::clipped_attention<3>, 24, 21>(cases["clipped_softmax_21"], "y", settings_in_f32);
  check_case<zoo::clipped_attention<3, lc::causal>, 24, 21>(cases["clipped_softmax_21"], "y.causal", settings_in_f32);
  check_case<zoo::clipped_attention<2, lc::full, wide>, 16, 40>(cases["clipped_softmax_40"], "y", settings_in_f32);
  check_case<zoo::clipped_attention<2, lc::causal, wide>, 16, 40>(cases["clipped_softmax_40"], "y.causal",
                                                                  settings_in_f32);
  cases = read_cases("l2_gelu");
  check_case<heads_of<3, lc::full, lc::l2_gelu<>>, 24, 21>(cases["l2_gelu_21"], "y", settings_in_f32);
  check_case<heads_of<3, lc::causal, lc::l2_gelu<lc::tau{4.582576f}>>, 24, 21>(cases["l2_gelu_21"], "y.causal",
                                                                               settings_in_f32);
  check_case<heads_of<2, lc::full, lc::l2_gelu<>>, 16, 40>(cases["l2_gelu_40"], "y", settings_in_f32);
  check_case<heads_of<2, lc::causal, lc::l2_gelu<lc::tau{6.324555f}>>, 16, 40>(cases["l2_gelu_40"], "y.causal",
                                                                               settings_in_f32);
  cases = read_cases("sigmoid_gate");
  // The gate of the file reads the head's slice of x: the other weights are 0.
  const auto load = [](auto& attention, const one_case& from) {
    lc::visit_named(
        [&](const char* path, auto& to) {
          using tensor = std::remove_reference_t<decltype(to)>;
          const numbers& of = from.tensor(path);
          if (std::strcmp(path, "gate.weight") != 0) return attention.copy(of, to);
          const lc::extent_t heads = of.extents[0], slice = of.extents[1], columns = heads * slice;
          REQUIRE(tensor::size == heads * columns);
          for (lc::extent_t h = 0; h < heads; ++h)
            for (lc::extent_t d = 0; d < slice; ++d)
              to[h * columns + h * slice + d] = static_cast<typename tensor::element>(of.of[h * slice + d]);
        },
        attention.parameters);
  };
  check_case<zoo::gated_attention<3, lc::full>, 24, 21>(cases["sigmoid_gate_21"], "y", settings_in_f64, load);
  check_case<zoo::gated_attention<3, lc::causal>, 24, 21>(cases["sigmoid_gate_21"], "y.causal", settings_in_f64, load);
  check_case<zoo::gated_attention<2, lc::full>, 16, 40>(cases["sigmoid_gate_40"], "y", settings_in_f64, load);
  check_case<zoo::gated_attention<2, lc::causal>, 16, 40>(cases["sigmoid_gate_40"], "y.causal", settings_in_f64, load);
}

TEST_CASE("grouped heads are heads of repeated keys and values, whose gradients add up") {
  auto grouped = std::make_unique<random_layer<heads_of<4, lc::kv_heads<2>, lc::rope<>, lc::causal>>>();
  auto repeated = std::make_unique<random_layer<heads_of<4, lc::rope<>, lc::causal>>>();
  // Calls f(number of a weight of the repeated ones, number of the one that it repeats).
  const auto for_each_copy = [](auto&& f) {
    constexpr lc::extent_t head = width / 4 * width;
    for (lc::extent_t h = 0; h < 4; ++h)
      for (lc::extent_t i = 0; i < head; ++i) f(h * head + i, h / 2 * head + i);
  };
  for_each_copy([&](lc::extent_t copy, lc::extent_t of) {
    repeated->parameters.key.weight[copy] = grouped->parameters.key.weight[of];
    repeated->parameters.value.weight[copy] = grouped->parameters.value.weight[of];
  });
  grouped->forward(), repeated->forward();
  CHECK(apart(repeated->y, grouped->y) < 1e-12);
  grouped->backward(), repeated->backward();
  CHECK(apart(repeated->dx, grouped->dx) < 1e-12);
  CHECK(apart(repeated->gradients.query.weight, grouped->gradients.query.weight) < 1e-12);
  CHECK(apart(repeated->gradients.output.weight, grouped->gradients.output.weight) < 1e-12);
  lc::tensor<double, width / 2, width> key{}, value{};
  for_each_copy([&](lc::extent_t copy, lc::extent_t of) {
    key[of] += repeated->gradients.key.weight[copy];
    value[of] += repeated->gradients.value.weight[copy];
  });
  CHECK(apart(key, grouped->gradients.key.weight) < 1e-12);
  CHECK(apart(value, grouped->gradients.value.weight) < 1e-12);
}

TEST_CASE("one projection of queries and keys is two that are equal, and then what its form says") {
  check_shared<lc::shared_form::unit_keys>();
  check_shared<lc::shared_form::normalised>();
}

TEST_CASE("scores are each other's, with queries of another length") {
  const auto output_of = []<class Recipe>(lc::type_list<Recipe>, double factor = 1) {
    auto layer = std::make_unique<random_layer<Recipe>>();
    for (auto& of : layer->parameters.query.weight.data) of *= factor;
    layer->forward();
    return layer->y;
  };
  const auto one = output_of(lc::type_list<heads_of<1, lc::causal, lc::dot>>{});
  const auto one_by_width = output_of(lc::type_list<heads_of<1, lc::causal, lc::dot_by_width>>{});
  for (lc::extent_t i = 0; i < one.size; ++i) REQUIRE(one_by_width[i] == one[i]);
  using dot = lc::type_list<heads_of<2, lc::causal, lc::dot>>;
  const auto plain = output_of(lc::type_list<heads_of<2, lc::causal, lc::plain_dot>>{});
  CHECK(apart(plain, output_of(dot{}, std::sqrt(width / 2))) < 1e-12);
  CHECK(apart(plain, output_of(dot{})) > 1e-2);
  const auto by_width = output_of(lc::type_list<heads_of<2, lc::causal, lc::dot_by_width>>{});
  CHECK(apart(by_width, output_of(dot{}, std::sqrt(0.5))) < 1e-12);
  CHECK(apart(by_width, output_of(dot{})) > 1e-3);
}

TEST_CASE("a new gate passes the share that it is open to") {
  const auto check = []<class Gate>(lc::type_list<Gate>, double share) {
    auto gated = std::make_unique<random_layer<heads_of<2, lc::causal, Gate>>>();
    auto plain = std::make_unique<random_layer<heads_of<2, lc::causal>>>();
    gated->forward(), plain->forward();
    for (auto& of : plain->y.data) of *= share;
    // The share of a bias in f32.
    CHECK(apart(gated->y, plain->y) < 1e-6);
  };
  check(lc::type_list<lc::sigmoid_gate<>>{}, 0.5);
  check(lc::type_list<lc::sigmoid_gate<lc::openness{0.25f}>>{}, 0.25);
  check(lc::type_list<lc::sigmoid_gate<lc::openness{0.9f}>>{}, 0.9);
}
