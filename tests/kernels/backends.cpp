// The mechanism of backends, proven with a small one: overrides that ran, packed weights as derived data, fall-back.
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace small {
namespace lc = lacuna;

/// A backend as a user writes one: a tag, its own form of a weight, one kernel. It keeps weights by input, so that the
/// inner loop runs over outputs.
struct columns_traits;
struct columns : lc::reference {
  using traits = columns_traits;
  static constexpr auto name = lc::fixed_string("columns");
  mutable unsigned calls = 0;
};

template <class Element, lc::extent_t Outputs, lc::extent_t Inputs>
struct by_input {
  lc::tensor<Element, Inputs, Outputs> weight;
  constexpr void pack(const lc::tensor<Element, Outputs, Inputs>& from) {
    for (lc::extent_t o = 0; o < Outputs; ++o)
      for (lc::extent_t i = 0; i < Inputs; ++i) weight[i * Outputs + o] = from[o * Inputs + i];
  }
};

struct columns_traits : lc::reference_traits {
  template <class Element, lc::extent_t Outputs, lc::extent_t Inputs>
  using packed = by_input<Element, Outputs, Inputs>;
};

template <lc::extent_t Outputs, lc::extent_t Inputs>
auto kernel(lc::operation::multiply, lc::rows<float, Outputs> y, lc::rows<const float, Inputs> x,
            lc::matrix<const float, Outputs, Inputs>, const by_input<float, Outputs, Inputs>& packed,
            const columns& backend) {
  ++backend.calls;
  for (lc::extent_t t = 0; t < x.count; ++t) {
    for (lc::extent_t o = 0; o < Outputs; ++o) y(t, o) = 0;
    for (lc::extent_t i = 0; i < Inputs; ++i)
      for (lc::extent_t o = 0; o < Outputs; ++o) y(t, o) += x(t, i) * packed.weight[i * Outputs + o];
  }
  return lc::ran_on<columns>{};
}

/// A tag that inherits everything from `columns`, its form of weights included, and overrides nothing.
struct heir : columns {
  static constexpr auto name = lc::fixed_string("heir");
};

}  // namespace small

namespace {
namespace lc = lacuna;

using y8 = lc::rows<float, 8>;
using x4 = lc::rows<const float, 4>;
using packed = small::by_input<float, 8, 4>;
static_assert(lc::overridden<lc::operation::multiply, small::columns, y8, x4, lc::matrix<const float, 8, 4>, packed>);
static_assert(lc::overridden<lc::operation::multiply, small::heir, y8, x4, lc::matrix<const float, 8, 4>, packed>);
static_assert(
    !lc::overridden<lc::operation::multiply, lc::reference, y8, x4, lc::matrix<const float, 8, 4>, lc::nothing>);
// Another element type has no kernel there: it falls back, and this is known at compile time.
static_assert(!lc::overridden<lc::operation::multiply, small::columns, y8, x4, lc::matrix<const lc::bfloat16, 8, 4>,
                              small::by_input<lc::bfloat16, 8, 4>>);
static_assert(!lc::overridden<lc::operation::multiply_transposed, small::columns, lc::rows<float, 4>,
                              lc::rows<const float, 8>, lc::matrix<const float, 8, 4>>);

template <class Backend, class... Options>
void compare() {
  auto plain = std::make_unique<lc::model<recipes::llama, Options...>>();
  auto other = std::make_unique<lc::model<recipes::llama, Backend, Options...>>();
  recipes::randomise(*plain, 4, 0.4);
  recipes::randomise(*other, 4, 0.4);
  const auto expected = plain->forward({recipes::stream, 19});
  const auto found = other->forward({recipes::stream, 19});
  for (std::size_t i = 0; i < 11; ++i) CHECK(found(0, i) == doctest::Approx(expected(0, i)).epsilon(1e-5));
}

}  // namespace

TEST_CASE("a model on another backend agrees with the reference") {
  compare<small::columns>();
  compare<small::heir>();
  compare<small::columns, lc::training>();
  compare<small::columns, lc::in_place>();
}

TEST_CASE("the override really ran, and derived data follow the parameters") {
  auto model = std::make_unique<lc::model<recipes::llama, small::columns>>();
  recipes::randomise(*model, 4, 0.4);
  const float before = model->forward({recipes::stream, 4})(0, 0);
  // Two layers of seven products, and the head.
  CHECK(model->backend().calls == 2 * 7 + 1);
  // A packed copy is used, so writing without update() changes nothing, and update() carries it over.
  auto& weight = model->parameters_to_write().body_part[0][0].at<1>().sublayer_part.down.weight;
  for (float& of : weight.data) of = 0;
  model->reset();
  CHECK(model->forward({recipes::stream, 4})(0, 0) == before);
  model->update();
  model->reset();
  CHECK(model->forward({recipes::stream, 4})(0, 0) != before);
}

TEST_CASE("a report names which backend served each operation") {
  auto model = std::make_unique<lc::model<recipes::llama, small::columns>>();
  lc::backend_report report;
  const auto each = [](lc::extent_t, const auto&) {};
  REQUIRE(model->try_forward_watched(lc::watched{model->backend(), report}, {recipes::stream, 3}, each).ok());
  std::string multiply, attend;
  for (std::size_t i = 0; i < report.count; ++i) {
    if (std::string(report.lines[i].operation) == "multiply") multiply += report.lines[i].backend;
    if (std::string(report.lines[i].operation) == "attend") attend += report.lines[i].backend;
  }
  CHECK(multiply == "columns");
  CHECK(attend == "reference");

  auto stored = std::make_unique<lc::model<recipes::llama, small::columns, lc::bf16>>();
  lc::backend_report fallen;
  REQUIRE(stored->try_forward_watched(lc::watched{stored->backend(), fallen}, {recipes::stream, 3}, each).ok());
  for (std::size_t i = 0; i < fallen.count; ++i) CHECK(std::string(fallen.lines[i].backend) == "reference");
}
