// Maps made of tokens: an independent implementation, identities, cost, streams.
#include "support/recipes.hpp"
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;

template <class Tensor>
void copy(const numbers& from, Tensor& to) {
  REQUIRE(from.of.size() == Tensor::size);
  for (lc::extent_t i = 0; i < Tensor::size; ++i) to[i] = static_cast<typename Tensor::element>(from.of[i]);
}
/// A tensor of a case with rows and columns exchanged: values are `(count, outputs)` there, `(outputs, count)` here.
template <class Tensor>
void copy_turned(const numbers& from, Tensor& to) {
  REQUIRE(from.of.size() == Tensor::size);
  const lc::extent_t count = from.extents[0], outputs = from.extents[1];
  for (lc::extent_t n = 0; n < count; ++n)
    for (lc::extent_t o = 0; o < outputs; ++o)
      to[o * count + n] = static_cast<typename Tensor::element>(from.of[n * outputs + o]);
}
/// Loads parameters whose paths end in `key` and `value` from a case's `keys` and `values`.
const auto load_tokens = [](auto& layer, const one_case& from) {
  lc::visit_named(
      [&](const char* path, auto& to) {
        const std::string plural = std::string(path) + "s";
        const numbers& of = from.tensor(plural);
        if (plural.size() > 7 && plural.compare(plural.size() - 7, 7, ".values") == 0)
          copy_turned(of, to);
        else
          copy(of, to);
      },
      layer.parameters);
};

/// A format alone, with all its data.
template <class Format, lc::extent_t Outputs, lc::extent_t Inputs, lc::extent_t Tokens, class Value = double>
struct lone_map {
  using bound = typename Format::template bound<Outputs, Inputs>;
  using plan = lc::keep<Value, Tokens>;
  typename bound::template parameters<lc::weights<Value>> parameters;
  typename bound::template parameters<lc::gradients<Value>> gradients;
  typename bound::template memory<plan> memory;
  typename bound::template memory<lc::reuse<Value, Tokens>> adjoint;
  typename bound::template derived<lc::target<Value, Value, lc::reference>> derived;
  lc::shared_items<lc::type_list<>> shared;
  lc::tensor<Value, Tokens, Inputs> x, dx;
  lc::tensor<Value, Tokens, Outputs> y, dy;
  lc::reference backend;

  lone_map() {
    std::uint64_t drawn = 0;
    const auto draw = [&](auto& tensor) {
      for (auto& of : tensor.data) of = static_cast<Value>(lc::random_normal(17, Outputs, drawn++));
    };
    draw(x), draw(dy), draw(parameters.key), draw(parameters.value);
  }
  auto run() { return lc::run<lc::reference, decltype(shared)>{0, backend, shared}; }
  void forward() {
    bound::refresh(parameters, derived);
    bound::forward(parameters, memory, derived, x.view(), y.view(), run());
  }
  void backward() {
    bound::backward(parameters, gradients, memory, adjoint, derived, x.view(), dy.view(), dx.view(), run());
  }
};
template <class Format, class Value>
double difference_to(const one_case& from) {
  auto map = std::make_unique<lone_map<Format, 16, 24, 21, Value>>();
  copy(from.tensor("projection.keys"), map->parameters.key);
  copy_turned(from.tensor("projection.values"), map->parameters.value);
  copy(from.tensor("x"), map->x);
  map->forward();
  const numbers& expected = from.tensor("y");
  double most = 0, largest = 0;
  for (lc::extent_t i = 0; i < map->y.size; ++i) {
    const double apart = std::abs(static_cast<double>(map->y[i]) - expected.of[i]);
    most = std::max(most, std::isnan(apart) ? 1e9 : apart);
    largest = std::max(largest, std::abs(expected.of[i]));
  }
  return most / largest;
}

}  // namespace

TEST_CASE("maps made of tokens against an independent implementation") {
  auto cases = read_cases("pattention");
  // tau is that of the file, which has six decimals.
  using few = lc::parameter_tokens<24, lc::tau{4.898979}>;
  using many = lc::parameter_tokens<30, lc::tau{4.898979}>;
  CHECK(difference_to<few, double>(cases["pattention_projection"]) < 1e-8);
  CHECK(difference_to<few, float>(cases["pattention_projection"]) < 1e-5);
  CHECK(difference_to<many, double>(cases["pattention_grown"]) < 1e-8);
  CHECK(difference_to<many, float>(cases["pattention_grown"]) < 1e-5);
  CHECK(difference_to<lc::parameter_tokens<30>, double>(cases["pattention_grown"]) > 1e-2);
  check_case<lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<>>, 16, 21>(cases["pattention_layer"], "y",
                                                                                      settings_in_f64, load_tokens);
}

TEST_CASE("the order of tokens and the length of the input do not matter") {
  using map = lone_map<lc::parameter_tokens<13>, 6, 5, 9>;
  static map plain, turned;
  for (lc::extent_t n = 0; n < 13; ++n) {
    for (lc::extent_t i = 0; i < 5; ++i) turned.parameters.key[(n * 5 % 13) * 5 + i] = plain.parameters.key[n * 5 + i];
    for (lc::extent_t o = 0; o < 6; ++o)
      turned.parameters.value[o * 13 + n * 5 % 13] = plain.parameters.value[o * 13 + n];
  }
  for (auto& of : turned.x.data) of *= 7;
  plain.forward();
  turned.forward();
  for (lc::extent_t i = 0; i < plain.y.size; ++i)
    REQUIRE(turned.y[i] == doctest::Approx(plain.y[i]).epsilon(1e-13).scale(1));
  // gelu is not odd: a negative multiple is another function.
  for (auto& of : turned.x.data) of *= -1;
  turned.forward();
  CHECK(std::abs(turned.y[0] - plain.y[0]) > 1e-3);
}

TEST_CASE("a row of zeros gives 0 and has no gradient; what is no number shows") {
  using map = lone_map<lc::parameter_tokens<7>, 4, 3, 5>;
  static map of;
  for (lc::extent_t i = 0; i < 3; ++i) of.x[i] = 0;            // token 0: scores of 0
  for (lc::extent_t i = 0; i < 3; ++i) of.x[3 + i] *= 1e-160;  // token 1: their squares are not normal
  of.x[4 * 3] = std::numeric_limits<double>::quiet_NaN();
  of.forward();
  of.backward();
  for (lc::extent_t i = 0; i < 8; ++i) CHECK(of.y[i] == 0);
  for (lc::extent_t i = 0; i < 6; ++i) CHECK(of.dx[i] == 0);
  for (lc::extent_t i = 8; i < 16; ++i) CHECK(of.y[i] != 0);
  for (lc::extent_t i = 6; i < 12; ++i) CHECK(std::isfinite(of.dx[i]));
  for (lc::extent_t i = 16; i < 20; ++i) CHECK(std::isnan(of.y[i]));
}

namespace {
/// All maps of two blocks made of tokens, in attention with fewer key heads, in gated and plain feed-forwards, with
/// biases.
using everywhere = lc::decoder<
    lc::vocabulary<11>, lc::width<16>, lc::context<40>,
    lc::pre_norm<lc::rms_norm<>,
                 lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::parameter_tokens<>>,
                 lc::ffn<lc::hidden<12>, lc::gated<lc::silu>, lc::parameter_tokens<9>>>,
    lc::pre_norm<lc::rms_norm<>,
                 lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<20, lc::tau{3}>, lc::bias>,
                 lc::ffn<lc::hidden<24>, lc::gelu, lc::parameter_tokens<>, lc::bias>>,
    lc::tied_head>;
}  // namespace

TEST_CASE("cost: what is counted is the formula; memory and parameters by hand") {
  auto model = std::make_unique<lc::model<everywhere, lc::chunk<40>>>();
  recipes::randomise(*model, 3, 0.4);
  lc::work_counter counter;
  REQUIRE(model
              ->try_forward_watched(lc::watched{model->backend(), counter}, {recipes::stream, 19},
                                    [](lc::extent_t, auto) {})
              .ok());
  CHECK(counter.multiply_adds == everywhere::bound::multiply_adds(0, 19, 19));
  using map = lc::parameter_tokens<32>::bound<16, 24>;
  static_assert(map::multiply_adds(10) == 10 * 32 * (16 + 24));
  static_assert(lc::count_elements<map::parameters<lc::shapes<float>>>() == 32 * (16 + 24));
  // As many tokens as inputs and outputs: twice a linear map.
  static_assert(lc::parameter_tokens<>::bound<16, 16>::multiply_adds(1) == 2 * 16 * 16);
}

TEST_CASE("streams, chunks and training give the same bits") {
  auto whole = std::make_unique<lc::model<everywhere, lc::training>>();
  auto stream = std::make_unique<lc::model<everywhere, lc::chunk<5>>>();
  recipes::randomise(*whole, 3, 0.4);
  recipes::randomise(*stream, 3, 0.4);
  const auto expected = *whole->try_forward_to_learn({recipes::stream, 19});
  lc::extent_t served = 0;
  for (const lc::extent_t piece : {1u, 7u, 11u})
    REQUIRE(stream
                ->try_forward({recipes::stream + served, piece},
                              [&](lc::extent_t t, auto logits) {
                                for (lc::extent_t i = 0; i < 11; ++i) REQUIRE(logits(0, i) == expected(t, i));
                                served = t + 1;
                              })
                .ok());
  CHECK(served == 19);
}
