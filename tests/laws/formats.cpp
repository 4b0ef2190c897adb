// Laws that every linear weight format keeps, atoms and compositions alike, when it is multiplied and when it learns:
// L1, L2, L3 and L5. What they make of a dense weight (L4, L8, L10) is asked in formats_converted.cpp, what they store
// and keep (L6, L7, L9) in formats_stored.cpp, and lanes in tests/kernels/simd_format_laws.cpp, all of the same list.
#include <doctest/doctest.h>

#include "support/format_rig.hpp"
#include "support/same_bits.hpp"
#include "support/worse.hpp"

#include <lacuna/op/watch.hpp>

namespace {
using namespace formats;

/// Whether the results of inference are those of training to the bit: not where a merged weight is read.
template <class Format>
inline constexpr bool infers_by_the_same_products = true;
template <class Weight, extent_t Tokens>
inline constexpr bool infers_by_the_same_products<lc::cached<Weight, Tokens>> = false;

/// L1: y = W x for the dense W behind the format. L2: the same for tokens alone as together; there is one layout here,
/// tokens in rows. Returns the largest |y|.
template <class Rig>
double multiplies_as_dense(Rig& of, double tolerance) {
  auto& parts = *of.parts;
  of.forward();
  const auto together = parts.y;
  const table dense = of.dense();
  double scale = 0, apart = 0, alone = 0;
  for (extent_t t = 0; t < of.tokens; ++t)
    for (extent_t o = 0; o < dense.outputs; ++o) {
      double expected = 0;
      for (extent_t i = 0; i < dense.inputs; ++i) expected += dense(o, i) * static_cast<double>(parts.x.view()(t, i));
      scale = std::max(scale, std::fabs(expected));
      apart = worse(apart, std::fabs(expected - static_cast<double>(together.view()(t, o))));
    }
  CHECK(scale > 0.1);
  CHECK(apart <= tolerance * scale);
  for (extent_t t = 0; t < of.tokens; ++t) of.forward(t, 1);
  for (extent_t i = 0; i < parts.y.size; ++i)
    alone = worse(alone, std::fabs(static_cast<double>(parts.y[i]) - static_cast<double>(together[i])));
  CHECK(alone <= tolerance * scale);
  parts.y = together;
  return scale;
}
/// L3: <W x, dy> = <x, W^T dy>. Forward ran.
template <class Rig>
void transposes_as_adjoint(Rig& of, double tolerance) {
  auto& parts = *of.parts;
  of.backward();
  double left = 0, right = 0, size = 0;
  for (extent_t i = 0; i < parts.y.size; ++i) {
    const double each = static_cast<double>(parts.y[i]) * static_cast<double>(parts.dy[i]);
    left += each, size += std::fabs(each);
  }
  for (extent_t i = 0; i < parts.x.size; ++i)
    right += static_cast<double>(parts.x[i]) * static_cast<double>(parts.dx[i]);
  CHECK(size > 1);
  CHECK(std::fabs(left - right) <= tolerance * size);
}
/// A second backward adds the same to gradients and dx: nothing is left from the first one in between.
template <class Rig>
void accumulates(Rig& of) {
  auto& parts = *of.parts;
  const auto gradients = std::make_unique<std::remove_cvref_t<decltype(parts.gradients)>>(parts.gradients);
  const auto dx = parts.dx;
  of.forward();
  of.backward();
  double apart = 0, largest = 0;
  const auto compare = [&](const auto& twice, const auto& once) {
    for (extent_t i = 0; i < once.size; ++i) {
      largest = std::max(largest, std::fabs(once[i]));
      apart = worse(apart, std::fabs(twice[i] - 2 * once[i]));
    }
  };
  compare(parts.dx, dx);
  lc::visit_tensors(compare, parts.gradients, *gradients);
  CHECK(apart <= 1e-12 * largest);
}
/// L5: gradients are central differences of the forward; and they are dY^T X, taken back through the map from
/// parameters to the dense weight, which is affine in each of them, so that differences of any step are exact.
template <class Rig>
void learns_by_its_derivative(Rig& of) {
  auto& parts = *of.parts;
  const auto loss = [&] {
    of.refresh();
    of.forward();
    double sum = 0;
    for (extent_t i = 0; i < parts.y.size; ++i) sum += parts.y[i] * parts.dy[i];
    return sum;
  };
  table outer = of.dense();
  for (extent_t o = 0; o < outer.outputs; ++o)
    for (extent_t i = 0; i < outer.inputs; ++i) {
      outer(o, i) = 0;
      for (extent_t t = 0; t < of.tokens; ++t) outer(o, i) += parts.dy.view()(t, o) * parts.x.view()(t, i);
    }
  const auto against_outer = [&] {
    const table dense = of.dense();
    double sum = 0;
    for (extent_t i = 0; i < dense.of.size(); ++i) sum += dense.of[i] * outer.of[i];
    return sum;
  };
  lc::visit_tensors(
      [&](auto& weight, const auto& gradient) {
        double largest = 0, by_forward = 0, by_definition = 0;
        const auto difference = [&](double& entry, double step, const auto& of_entry) {
          const double kept = entry;
          entry = kept + step;
          const double above = of_entry();
          entry = kept - step;
          const double below = of_entry();
          entry = kept;
          return (above - below) / (2 * step);
        };
        for (extent_t i = 0; i < weight.size; ++i) {
          largest = std::max(largest, std::fabs(gradient[i]));
          by_forward = worse(by_forward, std::fabs(difference(weight[i], 1e-5, loss) - gradient[i]));
          by_definition = worse(by_definition, std::fabs(difference(weight[i], 1, against_outer) - gradient[i]));
        }
        CHECK(largest > 0);
        CHECK(by_forward <= 1e-6 * largest);
        CHECK(by_definition <= 1e-10 * largest);
      },
      parts.parameters, parts.gradients);
}

template <class Case>
void keeps_the_laws() {
  INFO(std::string(Case::format::name.c_str()));
  typename Case::template rig_of<> of;
  CHECK(lc::try_check_parameters(of.parts->parameters).ok());
  multiplies_as_dense(of, 1e-12);
  of.forward();
  transposes_as_adjoint(of, 1e-12);
  learns_by_its_derivative(of);
  accumulates(of);
}

/// The laws of products in f32: sums of at most 24 terms, twice in products. Inference gives the bits of training, and
/// its counted multiply-adds are those of the formula.
template <class Case>
void keeps_the_laws_in_f32() {
  INFO(std::string(Case::format::name.c_str()));
  typename Case::template rig_of<float> of;
  const double scale = multiplies_as_dense(of, 2e-6);
  of.forward();
  transposes_as_adjoint(of, 2e-6);

  typename Case::template rig_of<float, lc::reference, lc::reuse> infers;
  multiplies_as_dense(infers, 2e-6);
  infers.forward();
  if constexpr (infers_by_the_same_products<typename Case::format>) {
    CHECK(same_bits(infers.parts->y, of.parts->y));
  } else {
    for (extent_t i = 0; i < of.parts->y.size; ++i)
      CHECK(std::fabs(infers.parts->y[i] - of.parts->y[i]) <= 2e-6 * scale);
  }
  for (const extent_t tokens : {extent_t{1}, extent_t{5}}) {
    lc::work_counter counter;
    infers.forward_on(lc::watched{infers.backend, counter}, 0, tokens);
    CHECK(counter.multiply_adds == Case::bound::multiply_adds(tokens));
  }
}

/// Every format of a list has the name of the same place in another one.
template <class... Cases, std::size_t Count>
void have_the_names(lc::type_list<Cases...>, const char* const (&names)[Count]) {
  static_assert(sizeof...(Cases) == Count);
  const char* const found[]{Cases::format::name.c_str()...};
  for (std::size_t at = 0; at < Count; ++at) CHECK(std::string_view(found[at]) == names[at]);
}

}  // namespace

TEST_CASE("atoms keep the laws of products, adjoints and gradients") {
  for_every(atoms{}, [](auto of) { keeps_the_laws<decltype(of)>(); });
}
TEST_CASE("compositions keep the laws of products, adjoints and gradients") {
  for_every(compositions{}, [](auto of) { keeps_the_laws<decltype(of)>(); });
}
TEST_CASE("atoms keep the laws in f32, infer as they learn, and cost what they say") {
  for_every(atoms{}, [](auto of) { keeps_the_laws_in_f32<decltype(of)>(); });
}
TEST_CASE("compositions keep the laws in f32, infer as they learn, and cost what they say") {
  for_every(compositions{}, [](auto of) { keeps_the_laws_in_f32<decltype(of)>(); });
}

TEST_CASE("formats are named as they are written") {
  have_the_names(
      atoms{}, {"dense", "csr<0.1>", "csr<0.1>", "blocked<4x1, 0.5>", "blocked<4x1, 1.0>", "blocked<4x3, 0.35>",
                "blocked<16x1, 0.25>", "n_m<2:4>", "n_m<1:8, 4>", "n_m<3:7, 4>", "block_diagonal<4>", "quantized<8>"});
  have_the_names(
      compositions{},
      {"product<dense, dense, 4>", "product<dense, block_diagonal<4>, 8>",
       "product<block_diagonal<4>, permuted<block_diagonal<4>, gathered<4>>>",
       "permuted<product<block_diagonal<4>, permuted<block_diagonal<4>, gathered<4>>>, spread<4>>",
       "sum<dense, product<dense, dense, 4>>", "sum<csr<0.1>, product<dense, dense, 4>>",
       "sum<quantized<8>, product<dense, dense, 4>>", "permuted<blocked<4x1, 0.5>, ordered>",
       "product<n_m<2:8>, dense, 8>", "tiled<2x3, blocked<4x1, 0.5>>",
       "tiled<2x2, dense, csr<0.1>, product<dense, dense, 4>, n_m<2:4>>", "masked<csr<0.1>>",
       "masked<block_diagonal<4>>",
       "cached<permuted<product<block_diagonal<2>, permuted<block_diagonal<2>, gathered<2>>>, spread<2>>, 4>",
       "cached<product<dense, dense, 4>>", "sum<masked<n_m<2:4>>, sum<csr<0.1>, product<dense, dense, 4>>>"});
}

// What a quantised weight computes is the dense product of its rounded values: by scales that are powers of two, which
// round nothing, to the bit.
TEST_CASE("a quantised weight multiplies as the dense weight of its values, in f32 and f64") {
  const auto compare = []<class Value>(Value) {
    typename sized<lc::quantized<8>>::rig_of<Value> of;
    typename sized<lc::dense>::rig_of<Value> plain;
    auto& scales = of.parts->parameters.scale;
    for (extent_t o = 0; o < 16; ++o) scales[o] = static_cast<Value>(std::ldexp(1.0, static_cast<int>(o % 5) - 9));
    const table dense = of.dense();
    for (extent_t i = 0; i < dense.of.size(); ++i) plain.parts->parameters.weight[i] = static_cast<Value>(dense.of[i]);
    plain.parts->x = of.parts->x, plain.parts->dy = of.parts->dy;
    of.forward(), plain.forward();
    CHECK(same_bits(of.parts->y, plain.parts->y));
    of.backward(), plain.backward();
    double apart = 0, largest = 0;
    for (extent_t i = 0; i < of.parts->dx.size; ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(plain.parts->dx[i])));
      apart = worse(apart, std::fabs(static_cast<double>(of.parts->dx[i] - plain.parts->dx[i])));
    }
    CHECK(largest > 0.1);
    CHECK(apart <= (sizeof(Value) == 4 ? 2e-6 : 1e-14) * largest);
  };
  compare(double{});
  compare(float{});
}

// With activations of eight bits L1 holds for the rounded inputs, and L3 does not: the gradient passes straight through
// their rounding, dx = W^T dy.
TEST_CASE("with rounded inputs a quantised weight multiplies those, and its transposed product is the dense one") {
  typename sized<lc::quantized<8, lc::activations<8>>>::rig_of<> of;
  auto& parts = *of.parts;
  of.forward(), of.backward();
  const table dense = of.dense();
  double apart = 0, backwards = 0, rounded_away = 0;
  for (extent_t t = 0; t < of.tokens; ++t) {
    double most = 0;
    for (extent_t i = 0; i < 24; ++i) most = std::max(most, std::fabs(parts.x.view()(t, i)));
    const auto rounded = [&](extent_t i) { return std::nearbyint(parts.x.view()(t, i) / (most / 127)) * (most / 127); };
    for (extent_t i = 0; i < 24; ++i) {
      double expected = 0;
      for (extent_t o = 0; o < 16; ++o) expected += dense(o, i) * parts.dy.view()(t, o);
      backwards = worse(backwards, std::fabs(expected - parts.dx.view()(t, i)));
      rounded_away = std::max(rounded_away, std::fabs(rounded(i) - parts.x.view()(t, i)));
    }
    for (extent_t o = 0; o < 16; ++o) {
      double expected = 0;
      for (extent_t i = 0; i < 24; ++i) expected += dense(o, i) * rounded(i);
      apart = worse(apart, std::fabs(expected - parts.y.view()(t, o)));
    }
  }
  CHECK(rounded_away > 1e-3);
  CHECK(apart <= 1e-12);
  CHECK(backwards <= 1e-12);
}

// Both sources write the weight entry by entry: W(l, s; k, p) = left(l, s, k) right(k, l, p) for block l of outputs and
// k of inputs. BlockShuffle's outputs come block by block, Monarch's interleaved.
TEST_CASE("BlockShuffle and Monarch are what their sources write") {
  typename sized<lc::block_shuffle<4>>::rig_of<> shuffled;
  typename sized<lc::monarch<4>>::rig_of<> interleaved;
  const auto& left = shuffled.parts->parameters.left.weight;
  const auto& right = shuffled.parts->parameters.right.weight.weight;
  interleaved.parts->parameters.weight = shuffled.parts->parameters;
  interleaved.refresh();
  interleaved.parts->x = shuffled.parts->x;
  shuffled.forward(), interleaved.forward();
  double apart = 0;
  bool the_same = true;
  for (extent_t t = 0; t < shuffled.tokens; ++t)
    for (extent_t l = 0; l < 4; ++l)
      for (extent_t s = 0; s < 4; ++s) {
        double expected = 0;
        for (extent_t k = 0; k < 4; ++k)
          for (extent_t p = 0; p < 6; ++p)
            expected += left[(l * 4 + s) * 4 + k] * right[(k * 4 + l) * 6 + p] * shuffled.parts->x.view()(t, k * 6 + p);
        apart = worse(apart, std::fabs(shuffled.parts->y.view()(t, l * 4 + s) - expected));
        the_same = the_same && interleaved.parts->y.view()(t, s * 4 + l) == shuffled.parts->y.view()(t, l * 4 + s);
      }
  CHECK(apart <= 1e-12);
  CHECK(the_same);
}

TEST_CASE("straight through a mask, the gradient is the dense one") {
  rig<lc::masked<tenth, lc::straight_through>, 16, 24> of;
  of.forward();
  of.backward();
  for (extent_t o = 0; o < 16; ++o)
    for (extent_t i = 0; i < 24; ++i) {
      double expected = 0;
      for (extent_t t = 0; t < of.tokens; ++t) expected += of.parts->dy.view()(t, o) * of.parts->x.view()(t, i);
      CHECK(of.parts->gradients.weight[o * 24 + i] == doctest::Approx(expected).epsilon(1e-10));
    }
}
