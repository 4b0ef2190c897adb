// Conversions into weight formats against an independent implementation: tests/reference/formats.py, which states the
// definitions, the numbers, the format of the file and the tolerance.
#if __has_include(<Eigen/SVD>)
#include "support/hashed_number.hpp"
#include "support/worse.hpp"

#include <lacuna/compress.hpp>
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <cmath>
#include <fstream>
#include <memory>
#include <string>

namespace {
namespace lc = lacuna;
constexpr lc::extent_t outputs = 24, inputs = 16;

struct expected_file {
  std::ifstream file{LACUNA_REPOSITORY "/tests/reference/formats.txt"};
  std::uint32_t seed = 0;

  /// The next case: the dense weight that a conversion leaves is that of the file.
  template <class Format>
  void check(const std::string& name, const lc::conversion_choices& choices = {}) {
    CAPTURE(name);
    std::string found;
    std::size_t of_seed = 0, rows = 0, columns = 0;
    file >> found >> of_seed >> rows >> columns;
    REQUIRE(found == name);
    REQUIRE(of_seed == ++seed);
    REQUIRE(rows == outputs);
    REQUIRE(columns == inputs);
    lc::weight_matrix weight(outputs, inputs), expected(outputs, inputs);
    for (std::uint32_t i = 0; i < weight.values.size(); ++i) {
      const double number = hashed_number(seed, i);
      weight.values[i] = number * number * number;
      file >> expected.values[i];
    }
    REQUIRE(file.good());

    using map = typename Format::template bound<outputs, inputs>;
    const auto to = std::make_unique<typename map::template parameters<lc::weights<double>>>();
    lc::initialise_parameters(*to);
    const auto report = lc::try_convert_weight<Format, outputs, inputs, double>(weight, *to, choices);
    REQUIRE(report.ok());
    const auto left = lc::multiply_out<map, outputs, inputs, double>(*to);
    REQUIRE(left.values.size() == expected.values.size());
    double largest = 0, difference = 0, lost = 0;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      largest = std::fmax(largest, std::fabs(expected.values[i]));
      difference = worse(difference, std::fabs(left.values[i] - expected.values[i]));
      lost += std::pow(weight.values[i] - expected.values[i], 2);
    }
    CHECK(largest > 0.05);
    CHECK(difference <= 1e-11 * largest);
    CHECK(report->residual == doctest::Approx(std::sqrt(lost)).epsilon(1e-9));
  }
};
}  // namespace

TEST_CASE("an independent implementation agrees on conversions into formats") {
  expected_file file;
  lc::conversion_choices per_strip, least_squares;
  per_strip.scope = lc::mask_scope::strip;
  least_squares.range = lc::quantized_range::least_squared_error;
  using quarter = lc::csr<lc::density{0.25}>;
  file.check<lc::low_rank_weight<3>>("low_rank");
  file.check<lc::monarch<4, lc::inner<16>>>("monarch_of_rank_1");
  file.check<lc::monarch<4, lc::inner<32>>>("monarch_of_rank_2");
  file.check<lc::block_dense<2, lc::inner<6>>>("block_dense");
  file.check<quarter>("csr");
  file.check<quarter>("csr_per_row", per_strip);
  file.check<lc::blocked<4, 1, lc::density{0.25}>>("blocks_4_1");
  file.check<lc::blocked<8, 2, lc::density{0.5}>>("blocks_8_2");
  file.check<lc::n_m<2, 4>>("2_of_4");
  file.check<lc::n_m<1, 4, 4>>("1_of_4_shared_by_4");
  file.check<lc::quantized<8>>("eight_bits");
  file.check<lc::quantized<8>>("eight_bits_least_squares", least_squares);
  file.check<lc::sum<quarter, lc::low_rank_weight<3>>>("sparse_and_low_rank");
  std::string more;
  CHECK(!(file.file >> more));
}
#endif
