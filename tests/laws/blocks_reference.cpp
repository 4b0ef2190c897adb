// Every placement of norms, shared depth and adapters against an independent implementation: tests/reference/blocks.py,
// which states the formula of the numbers, the format of the file and the tolerances.
#include "support/block_rig.hpp"
#include "support/hashed_number.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

struct expected_tensor {
  std::string path;
  std::size_t size = 0;
  double sum = 0;
};
struct expected_block {
  std::uint32_t seed = 0;
  std::size_t width = 0, tokens = 0;
  std::vector<expected_tensor> tensors;
  std::vector<double> output;
};

std::map<std::string, expected_block> read_expected() {
  std::ifstream file(LACUNA_REPOSITORY "/tests/reference/blocks.txt");
  std::map<std::string, expected_block> all;
  std::string word, name;
  while (file >> word) {
    REQUIRE(word == "case");
    expected_block of;
    std::size_t count = 0;
    file >> name >> of.width >> of.tokens >> count;
    REQUIRE(count < 100);
    REQUIRE(of.width * of.tokens < 1000);
    of.seed = static_cast<std::uint32_t>(all.size() + 1);
    of.tensors.resize(count);
    for (auto& tensor : of.tensors) file >> tensor.path >> tensor.size >> tensor.sum;
    of.output.resize(of.width * of.tokens);
    for (double& number : of.output) file >> number;
    REQUIRE(file.good());
    all[name] = of;
  }
  return all;
}

/// How far a block's output is from the file's. Paths, order and sizes are checked first, and the parameters bit for
/// bit: their sums are exact.
template <class Value>
double distance(const expected_block& expected, any_block<Value>&& block) {
  std::uint32_t counter = 0;
  REQUIRE(block.parameters.size() == expected.tensors.size());
  for (std::size_t t = 0; t < expected.tensors.size(); ++t) {
    const auto& of = block.parameters[t];
    CHECK(of.path == expected.tensors[t].path);
    REQUIRE(of.size == expected.tensors[t].size);
    double sum = 0;
    for (std::size_t i = 0; i < of.size; ++i) {
      of.data[i] += static_cast<Value>(hashed_number(expected.seed, counter++));  // gains are 1 before
      sum += static_cast<double>(of.data[i]);
    }
    CHECK(sum == expected.tensors[t].sum);
  }
  std::vector<Value> x(expected.output.size());
  for (Value& number : x) number = static_cast<Value>(4 * hashed_number(expected.seed, counter++));
  const auto y = block.forward(x);
  return difference({y.begin(), y.end()}, expected.output);
}

/// The sizes of a shape, and what they are in every placement.
template <lc::extent_t Width, class Norm, class... Sublayers>
struct shape {
  template <class Value>
  static void check(const std::map<std::string, expected_block>& all, const std::string& name, double tolerance) {
    std::size_t checked = 0;
    const auto check_one = [&](const char* which, any_block<Value>&& block) {
      CAPTURE(which);
      const auto found = all.find(name + "_" + which);
      REQUIRE(found != all.end());
      CHECK(found->second.width == Width);
      CHECK(distance(found->second, std::move(block)) <= tolerance);
      ++checked;
    };
    check_one("pre_norm", block_rig<lc::pre_norm<Norm, Sublayers...>, Value, Width, false>());
    check_one("post_norm", block_rig<lc::post_norm<Norm, Sublayers...>, Value, Width, false>());
    check_one("peri_norm", block_rig<lc::peri_norm<Norm, Sublayers...>, Value, Width, false>());
    check_one("output_norm", block_rig<lc::output_norm<Norm, Sublayers...>, Value, Width, false>());
    using scale = lc::residual_scale<lc::deep_alpha::of_layers(2)>;
    check_one("deep_norm", block_rig<lc::deep_norm<Norm, scale, Sublayers...>, Value, Width, false>());
    check_one("parallel", block_rig<lc::parallel<Norm, Sublayers...>, Value, Width, false>());
    check_one("parallel_own_norms", block_rig<lc::parallel<Norm, lc::own_norms, Sublayers...>, Value, Width, false>());
    using peri = lc::parallel<Norm, lc::own_norms, lc::on_output<Norm>, Sublayers...>;
    check_one("parallel_peri", block_rig<peri, Value, Width, false>());
    using repeated = lc::pre_norm<Norm, Sublayers...>;
    check_one("shared_own_norms", block_rig<lc::shared<3, repeated>, Value, Width, false>());
    check_one("shared_norms", block_rig<lc::shared<3, repeated, lc::shared_norms>, Value, Width, false>());
    using adapter = lc::ffn<lc::hidden<3>, lc::gelu, lc::bias>;
    check_one("adapted", block_rig<lc::pre_norm<Norm, lc::adapted<Sublayers, adapter>...>, Value, Width, false>());
    CHECK(2 * checked == all.size());
  }
};
using narrow =
    shape<8, lc::rms_norm<>, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>;
using wide = shape<12, lc::layer_norm<lc::epsilon{1e-3f}>, lc::attention<lc::heads<3>, lc::kv_heads<1>, lc::causal>,
                   lc::ffn<lc::hidden<10>, lc::gated<lc::silu>>>;

}  // namespace

TEST_CASE("an independent implementation agrees on every placement of norms, shared depth and adapters") {
  const auto all = read_expected();
  narrow::check<double>(all, "narrow", 1e-12);
  narrow::check<float>(all, "narrow", 1e-5);
  wide::check<double>(all, "wide", 1e-12);
  wide::check<float>(all, "wide", 1e-5);
}
