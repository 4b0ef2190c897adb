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
/// Loads parameters whose paths end in `key` and `value` from a case's `keys` and `values`; the feed-forward's stand
/// under `ffn` there.
const auto load_tokens = [](auto& layer, const one_case& from) {
  lc::visit_named(
      [&](const char* path, auto& to) {
        const std::string prefix = from.tensors.count("ffn.keys") == 1 ? "ffn." : "";
        const std::string plural = prefix + path + "s";
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
  if constexpr (lc::same<Value, double>) {
    const reference_gradients gradients(from, "y");
    for (lc::extent_t i = 0; i < map->dy.size; ++i) map->dy[i] = gradients.adjoint(i);
    map->backward();
    CHECK(gradients.check("x", map->dx.data, map->dx.size, 1e-8));
    CHECK(gradients.check("projection.key", map->gradients.key.data, map->gradients.key.size, 1e-8));
    CHECK(gradients.check("projection.value", map->gradients.value.data, map->gradients.value.size, 1e-8));
  }
  const numbers& expected = from.tensor("y");
  REQUIRE(expected.of.size() == map->y.size);
  return relative_difference(map->y.data, expected.of);
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
  CHECK(difference_to<lc::parameter_tokens<30>, float>(cases["pattention_grown"]) > 1e-2);
  check_case<lc::zoo::tokenformer_attention<2, lc::no_position>, 16, 21>(cases["pattention_layer"], "y",
                                                                         settings_in_f64, load_tokens);
  // A quarter of each head's columns turns, as in the release.
  check_case<lc::zoo::tokenformer_attention<3>, 48, 26>(cases["pattention_rotated"], "y", settings_in_f64, load_tokens);
  check_case<lc::pattention<>, 16, 19>(cases["pattention_ffn"], "y", settings_in_f64, load_tokens);
  check_case<lc::pattention<>, 12, 33>(cases["pattention_ffn_33"], "y", settings_in_f64, load_tokens);
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
/// All maps of three blocks made of tokens, in attention with fewer key heads, in gated and plain feed-forwards, with
/// biases.
using everywhere = lc::decoder<
    lc::vocabulary<11>, lc::width<16>, lc::context<40>,
    lc::pre_norm<lc::rms_norm<>,
                 lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::parameter_tokens<>>,
                 lc::ffn<lc::hidden<12>, lc::gated<lc::silu>, lc::parameter_tokens<9>>>,
    lc::pre_norm<lc::rms_norm<>,
                 lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<20, lc::tau{3}>, lc::bias>,
                 lc::ffn<lc::hidden<24>, lc::gelu, lc::parameter_tokens<>, lc::bias>>,
    lc::zoo::tokenformer_block<4>, lc::tied_head>;
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

namespace {
/// Keys and values of two layers; `Count` tokens, a tau of its own.
template <lc::extent_t Count, lc::tau Tau>
using growing =
    lc::decoder<lc::vocabulary<11>, lc::width<16>, lc::context<20>,
                lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
                                           lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<Count, Tau>>,
                                           lc::pattention<2 * Count, lc::tau{Tau.value * 1.5}>>>>;
using small = growing<12, lc::tau_of(12)>;
using grown = growing<20, lc::tau_of(12)>;

template <class Model>
std::vector<double> logits_of(Model& model) {
  std::vector<double> all;
  model.reset();
  REQUIRE(model
              .try_forward({recipes::stream, 19},
                           [&](lc::extent_t, auto logits) { all.insert(all.end(), logits.data, logits.data + 11); })
              .ok());
  return all;
}
double apart(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  return relative_difference(a.data(), b);
}
/// One tensor of any number of extents.
template <lc::extent_t... Extents>
struct named_weight {
  lc::tensor<double, Extents...> weight;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("weight", s.weight...);
  }
};
/// The gradients of a stream, by path.
template <class Recipe>
std::map<std::string, std::vector<double>> gradients_of(lc::model<Recipe, lc::f64, lc::training>& model) {
  static lc::tensor<double, 19, 11> adjoint;
  for (lc::extent_t i = 0; i < adjoint.size; ++i) adjoint[i] = lc::random_normal(2, 0, i);
  model.clear_gradients();
  REQUIRE(model.try_forward_to_learn({recipes::stream, 19}).ok());
  REQUIRE(model.try_backward({recipes::stream, 19}, adjoint.view()).ok());
  std::map<std::string, std::vector<double>> all;
  lc::visit_named(
      [&](const char* path, auto& gradient) { all[path].assign(gradient.data, gradient.data + gradient.size); },
      model.gradients_to_write());
  return all;
}
}  // namespace

TEST_CASE("a grown model computes what it did, and only as long as tau is kept") {
  auto from = std::make_unique<lc::model<small, lc::f64>>();
  auto to = std::make_unique<lc::model<grown, lc::f64>>();
  auto recomputed = std::make_unique<lc::model<growing<20, lc::tau_of(20)>, lc::f64>>();
  recipes::randomise(*from, 3, 0.4);
  recipes::randomise(*to, 4, 0.4);  // nothing of it may survive but new values
  recipes::randomise(*recomputed, 4, 0.4);
  const auto expected = logits_of(*from);
  CHECK(apart(logits_of(*to), expected) > 1e-2);
  REQUIRE(lc::try_grow(*from, *to).ok());
  CHECK(to->position() == 0);
  CHECK(apart(logits_of(*to), expected) < 1e-12);
  REQUIRE(lc::try_grow(*from, *recomputed).ok());
  CHECK(apart(logits_of(*recomputed), expected) > 1e-3);
  // Another element on the way.
  auto narrow = std::make_unique<lc::model<grown, lc::f32>>();
  lc::grow(*from, *narrow, lc::new_values{});
  lc::grow(*narrow, *to);
  CHECK(apart(logits_of(*to), expected) < 1e-5);
}

TEST_CASE("growing copies patterns and quantised values as they are") {
  const auto with_integers = []<lc::extent_t Count>(lc::count_constant<Count>) {
    using recipe = lc::decoder<
        lc::vocabulary<11>, lc::width<16>, lc::context<20>,
        lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::rope<>, lc::causal, lc::n_m<2, 4>>,
                     lc::pattention<Count, lc::tau_of(12)>>,
        lc::linear_head<lc::quantized<8>>>;
    return std::make_unique<lc::model<recipe, lc::f64>>();
  };
  const auto from = with_integers(lc::count_constant<12>{});
  const auto to = with_integers(lc::count_constant<20>{});
  recipes::randomise(*from, 3, 0.4);
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if constexpr (lc::same<typename Leaf::element, std::uint8_t>)
          for (lc::extent_t i = 0; i < Leaf::size; ++i) tensor[i] = static_cast<std::uint8_t>(i % 2 == 0 ? i / 2 % 3 : 3);
        else if constexpr (!lc::is_integer<typename Leaf::element>)
          if (std::string(path) == "head.scale")
            for (auto& each : tensor.data) each = std::abs(each);
      },
      from->parameters_to_write());
  from->update();
  REQUIRE(lc::try_check_parameters(from->parameters()).ok());
  recipes::randomise(*to, 4, 0.4);
  const auto expected = logits_of(*from);
  CHECK(apart(logits_of(*to), expected) > 1e-2);
  REQUIRE(lc::try_grow(*from, *to).ok());
  CHECK(apart(logits_of(*to), expected) < 1e-12);
}

TEST_CASE("new keys learn at once where new values are not 0") {
  auto from = std::make_unique<lc::model<small, lc::f64>>();
  recipes::randomise(*from, 3, 0.4);
  const auto largest_of_new = [&](const char* path, lc::extent_t first, lc::extent_t size, auto&&... drawn) {
    auto to = std::make_unique<lc::model<grown, lc::f64, lc::training>>();
    REQUIRE(lc::try_grow(*from, *to, drawn...).ok());
    const auto gradient = gradients_of(*to)[path];
    REQUIRE(gradient.size() == size);
    double largest = 0;
    for (lc::extent_t i = first; i < size; ++i) largest = std::max(largest, std::abs(gradient[i]));
    return largest;
  };
  for (const char* path : {"blocks.0.attention.query.key", "blocks.1.attention.output.key"}) {
    CAPTURE(path);
    CHECK(largest_of_new(path, 12 * 16, 20 * 16, lc::new_values{.deviation = 0.2, .seed = 3}) > 1e-3);
    CHECK(largest_of_new(path, 12 * 16, 20 * 16) == 0);
  }
  CHECK(largest_of_new("blocks.0.pattention.key", 24 * 16, 40 * 16, lc::new_values{}) > 1e-4);
}

TEST_CASE("what does not fit is named, and nothing is changed") {
  auto from = std::make_unique<lc::model<small, lc::f64>>();
  recipes::randomise(*from, 3, 0.4);
  const auto refused = [&]<class Recipe>(std::type_identity<Recipe>, const std::string& sentence) {
    auto to = std::make_unique<lc::model<Recipe, lc::f64>>();
    recipes::randomise(*to, 4, 0.4);
    const auto before = logits_of(*to);
    const auto why = lc::try_grow(*from, *to).why();
    CHECK(why.kind == lc::error_kind::shape);
    CHECK(std::string(why.message.c_str()) == sentence);
    CHECK(logits_of(*to) == before);
  };
  refused(
      std::type_identity<growing<8, lc::tau_of(12)>>{},
      "lacuna::grow: blocks.0.attention.query.key: expected at least 12 x 16 in the larger model, found 8 x 16 (add "
      "parameter tokens, and take none away)");
  using other =
      lc::substitute<grown, lc::pattention<40, lc::tau{lc::tau_of(12).value * 1.5}>, lc::ffn<lc::hidden<40>, lc::relu>>;
  refused(std::type_identity<other>{},
          "lacuna::grow: blocks.0.pattention_norm.gain: expected a tensor of this name in the larger model, found none "
          "(grow adds parameter tokens to the same recipe)");
  using with_biases = lc::decoder<
      lc::vocabulary<11>, lc::width<16>, lc::context<20>,
      lc::repeat<
          2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal, lc::parameter_tokens<20>, lc::bias>,
                          lc::pattention<40>>>>;
  refused(
      std::type_identity<with_biases>{},
      "lacuna::grow: blocks.0.attention.query.bias: expected a tensor of this name in the smaller model, found none "
      "(grow adds parameter tokens to the same recipe)");
  using longer = lc::decoder<lc::vocabulary<12>, lc::width<16>, lc::context<20>,
                             lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>>>>;
  refused(std::type_identity<longer>{},
          "lacuna::grow: embedding.weight: expected 11 x 16 in the larger model, found 12 x 16 (add parameter tokens, "
          "and take none away)");
  static const named_weight<6> flat;
  static const named_weight<6, 1> column;
  CHECK(std::string(lc::detail::try_fit(flat, column).why().message.c_str()) ==
        "lacuna::grow: weight: expected 6 in the larger model, found 6 x 1 (add parameter tokens, and take none "
        "away)");
  CHECK(lc::detail::try_fit(flat, flat).ok());
}
