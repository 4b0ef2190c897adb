// Laws that every linear weight format keeps, atoms and compositions alike.
#include <doctest/doctest.h>

#include "support/format_rig.hpp"
#include "support/worse.hpp"

#include <lacuna/op/watch.hpp>

namespace {
using namespace formats;

/// y = W x for the dense W behind the format (L1), for tokens together and alone (L2); <W x, dy> = <x, W^T dy> (L3);
/// gradients are central differences (L5); the cost formula is what runs; the format is valid and keeps its name.
template <class Format, extent_t Outputs = 16, extent_t Inputs = 24>
void keeps_the_laws(const char* name) {
  CHECK(std::string_view(Format::name.c_str()) == name);
  INFO(name);
  rig<Format, Outputs, Inputs> of;
  auto& parts = *of.parts;
  CHECK(lc::try_check_parameters(parts.parameters).ok());

  of.forward();
  const auto together = parts.y;
  const table dense = of.dense();
  double scale = 0, apart = 0;
  for (extent_t t = 0; t < of.tokens; ++t)
    for (extent_t o = 0; o < Outputs; ++o) {
      double expected = 0;
      for (extent_t i = 0; i < Inputs; ++i) expected += dense(o, i) * parts.x.view()(t, i);
      scale = std::max(scale, std::fabs(expected));
      apart = worse(apart, std::fabs(expected - together.view()(t, o)));
    }
  CHECK(scale > 0.1);
  CHECK(apart <= 1e-12 * scale);
  for (extent_t t = 0; t < of.tokens; ++t) of.forward(t, 1);
  for (extent_t i = 0; i < parts.y.size; ++i) CHECK(std::fabs(parts.y[i] - together[i]) <= 1e-12 * scale);

  of.forward();
  of.backward();
  double left = 0, right = 0;
  for (extent_t i = 0; i < parts.y.size; ++i) left += together[i] * parts.dy[i];
  for (extent_t i = 0; i < parts.x.size; ++i) right += parts.x[i] * parts.dx[i];
  CHECK(std::fabs(left - right) <= 1e-10 * (std::fabs(left) + 1));

  const auto loss = [&] {
    of.refresh();
    of.forward();
    double sum = 0;
    for (extent_t i = 0; i < parts.y.size; ++i) sum += parts.y[i] * parts.dy[i];
    return sum;
  };
  lc::visit_tensors(
      [&](auto& weight, const auto& gradient) {
        double largest = 0, difference = 0;
        for (extent_t i = 0; i < weight.size; ++i) {
          const double kept = weight[i], step = 1e-5;
          weight[i] = kept + step;
          const double above = loss();
          weight[i] = kept - step;
          const double below = loss();
          weight[i] = kept;
          largest = std::max(largest, std::fabs(gradient[i]));
          difference = worse(difference, std::fabs((above - below) / (2 * step) - gradient[i]));
        }
        CHECK(largest > 0);
        CHECK(difference <= 1e-6 * largest);
      },
      parts.parameters, parts.gradients);
}

/// The counted multiply-adds of a forward are those of the formula; only the merged form of `cached` counts otherwise
/// where a model learns.
template <class Format, extent_t Outputs = 16, extent_t Inputs = 24>
void costs_what_it_says() {
  rig<Format, Outputs, Inputs, float, lc::reference, lc::reuse> of;
  for (const extent_t tokens : {extent_t{1}, extent_t{5}}) {
    lc::work_counter counter;
    of.forward_on(lc::watched{of.backend, counter}, 0, tokens);
    CHECK(counter.multiply_adds == rig<Format, Outputs, Inputs>::bound::multiply_adds(tokens));
  }
}

using tenth = lc::csr<lc::density{0.1}>;
using half_blocks = lc::blocked<4, 1, lc::density{0.5}>;
using rank_four = lc::product<lc::dense, lc::dense, lc::inner<4>>;

template <class Format, extent_t Outputs = 16, extent_t Inputs = 24>
void keeps_all(const char* name) {
  keeps_the_laws<Format, Outputs, Inputs>(name);
  costs_what_it_says<Format, Outputs, Inputs>();
}

}  // namespace

TEST_CASE("atoms keep the laws") {
  keeps_all<lc::dense>("dense");
  keeps_all<tenth>("csr<0.1>");
  keeps_all<tenth, 13, 21>("csr<0.1>");
  keeps_all<half_blocks>("blocked<4x1, 0.5>");
  keeps_all<lc::blocked<4, 1, lc::density{1}>, 16, 24>("blocked<4x1, 1.0>");
  keeps_the_laws<lc::blocked<4, 3, lc::density{0.35}>, 13, 22>("blocked<4x3, 0.35>");
  keeps_the_laws<lc::blocked<16, 1, lc::density{0.25}>, 21, 9>("blocked<16x1, 0.25>");
  keeps_all<lc::n_m<2, 4>>("n_m<2:4>");
  keeps_all<lc::n_m<1, 8, 4>>("n_m<1:8, 4>");
  keeps_the_laws<lc::n_m<3, 7, 4>, 18, 21>("n_m<3:7, 4>");
  keeps_all<lc::block_diagonal<4>>("block_diagonal<4>");
}

TEST_CASE("compositions keep the laws") {
  keeps_all<rank_four>("product<dense, dense, 4>");
  keeps_all<lc::block_dense<4, lc::inner<8>>>("product<dense, block_diagonal<4>, 8>");
  keeps_all<lc::monarch<4>>(
      "permuted<product<block_diagonal<4>, permuted<block_diagonal<4>, gathered<4>>>, spread<4>>");
  keeps_all<lc::sum<lc::dense, rank_four>>("sum<dense, product<dense, dense, 4>>");
  keeps_all<lc::sum<tenth, rank_four>>("sum<csr<0.1>, product<dense, dense, 4>>");
  keeps_all<lc::permuted<half_blocks, lc::ordered>>("permuted<blocked<4x1, 0.5>, ordered>");
  keeps_all<lc::product<lc::n_m<2, 8>, lc::dense, lc::inner<8>>>("product<n_m<2:8>, dense, 8>");
  keeps_all<lc::tiled<lc::grid<2, 3>, half_blocks>>("tiled<2x3, blocked<4x1, 0.5>>");
  keeps_all<lc::tiled<lc::grid<2, 2>, lc::dense, tenth, rank_four, lc::n_m<2, 4>>>(
      "tiled<2x2, dense, csr<0.1>, product<dense, dense, 4>, n_m<2:4>>");
  keeps_all<lc::masked<tenth>>("masked<csr<0.1>>");
  keeps_all<lc::cached<lc::monarch<2>, 4>>(
      "cached<permuted<product<block_diagonal<2>, permuted<block_diagonal<2>, gathered<2>>>, spread<2>>, 4>");
  keeps_all<lc::cached<rank_four>>("cached<product<dense, dense, 4>>");
  keeps_all<lc::sum<lc::masked<lc::n_m<2, 4>>, lc::sum<tenth, rank_four>>>(
      "sum<masked<n_m<2:4>>, sum<csr<0.1>, product<dense, dense, 4>>>");
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
