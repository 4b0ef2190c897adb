// Dense weights into formats: closed forms of what is lost, what comes back unchanged, which entries are kept.
#if __has_include(<Eigen/SVD>)
#include <doctest/doctest.h>

#include <lacuna/compress.hpp>

#include "support/format_rig.hpp"

namespace {
using namespace formats;

lc::weight_matrix random_weight(extent_t outputs, extent_t inputs, std::uint64_t seed) {
  lc::weight_matrix made(outputs, inputs);
  dice with{seed};
  for (double& each : made.values) each = with.normal();
  return made;
}
/// `count` orthonormal columns of `size` numbers each, one below the other.
std::vector<std::vector<double>> orthonormal(extent_t count, extent_t size, std::uint64_t seed) {
  dice with{seed};
  std::vector<std::vector<double>> made;
  while (made.size() < count) {
    std::vector<double> next(size);
    for (double& each : next) each = with.normal();
    for (int twice = 0; twice < 2; ++twice)
      for (const auto& other : made) {
        double along = 0;
        for (extent_t i = 0; i < size; ++i) along += next[i] * other[i];
        for (extent_t i = 0; i < size; ++i) next[i] -= along * other[i];
      }
    double length = 0;
    for (const double each : next) length += each * each;
    for (double& each : next) each /= std::sqrt(length);
    made.push_back(next);
  }
  return made;
}
/// A matrix of given singular values.
lc::weight_matrix with_singular_values(extent_t outputs, extent_t inputs, const std::vector<double>& values,
                                       std::uint64_t seed) {
  const auto left = orthonormal(values.size(), outputs, seed), right = orthonormal(values.size(), inputs, seed + 1);
  lc::weight_matrix made(outputs, inputs);
  for (extent_t r = 0; r < values.size(); ++r)
    for (extent_t o = 0; o < outputs; ++o)
      for (extent_t i = 0; i < inputs; ++i) made(o, i) += values[r] * left[r][o] * right[r][i];
  return made;
}

/// A converted weight: its report, and the dense weight behind it by the format's definition.
template <class Format, extent_t Outputs, extent_t Inputs>
struct converted {
  using parameters = typename Format::template bound<Outputs, Inputs>::template parameters<lc::weights<double>>;
  std::unique_ptr<parameters> of = std::make_unique<parameters>();
  lc::weight_report report;
  explicit converted(const lc::weight_matrix& from, const lc::conversion_choices& choices = {}) {
    lc::initialise_parameters(*of);
    auto result = lc::try_convert_weight<Format, Outputs, Inputs, double>(from, *of, choices);
    INFO(std::string(result.why().message.c_str()));
    REQUIRE(result.ok());
    report = *result;
    CHECK(lc::try_check_parameters(*of).ok());
    // What the report says was lost is the distance to the weight that the format's definition gives.
    double squares = 0;
    const table behind = dense();
    for (extent_t i = 0; i < behind.of.size(); ++i) squares += std::pow(behind.of[i] - from.values[i], 2);
    CHECK(std::fabs(report.residual - std::sqrt(squares)) <= 1e-9 * (report.norm + 1));
  }
  table dense() const { return expand<Format, Outputs, Inputs>(*of); }
  lc::weight_matrix weight() const {
    lc::weight_matrix made(Outputs, Inputs);
    made.values = dense().of;
    return made;
  }
};

using lc::density;
using lc::inner;

}  // namespace

TEST_CASE("low rank: what is lost are the singular values that are left out") {
  const auto weight = with_singular_values(24, 16, {5, 4, 3, 2, 1, 0.5}, 3);
  const converted<lc::low_rank_weight<3>, 24, 16> three(weight);
  CHECK(three.report.residual == doctest::Approx(std::sqrt(4 + 1 + 0.25)).epsilon(1e-9));
  CHECK(three.report.multiply_adds_after == 3 * (24 + 16));
  CHECK(converted<lc::low_rank_weight<6>, 24, 16>(weight).report.residual <= 1e-10);
  CHECK(converted<lc::low_rank_weight<3>, 24, 16>(three.weight()).report.residual <= 1e-10);
  // The factors share each singular value evenly.
  double left = 0, right = 0;
  for (const double each : three.of->left.weight.data) left += each * each;
  for (const double each : three.of->right.weight.data) right += each * each;
  CHECK(left == doctest::Approx(12).epsilon(1e-9));
  CHECK(right == doctest::Approx(12).epsilon(1e-9));
  // The default width is the smaller side: nothing is lost.
  CHECK(converted<lc::product<lc::dense, lc::dense>, 24, 16>(random_weight(24, 16, 5)).report.residual <= 1e-10);
}

TEST_CASE("Monarch: between blocks, what is lost are the singular values beyond its rank") {
  // Blocks of 6 x 4 between 4 blocks of inputs and 4 of interleaved outputs, with singular values 3, 2, 1.
  lc::weight_matrix weight(24, 16);
  for (extent_t l = 0; l < 4; ++l)
    for (extent_t k = 0; k < 4; ++k) {
      const auto block = with_singular_values(6, 4, {3, 2, 1}, 100 + l * 4 + k);
      for (extent_t s = 0; s < 6; ++s)
        for (extent_t p = 0; p < 4; ++p) weight(s * 4 + l, k * 4 + p) = block(s, p);
    }
  const converted<lc::monarch<4, inner<16>>, 24, 16> rank_one(weight);
  CHECK(rank_one.report.residual == doctest::Approx(std::sqrt(16.0 * (4 + 1))).epsilon(1e-9));
  CHECK(converted<lc::monarch<4, inner<32>>, 24, 16>(weight).report.residual ==
        doctest::Approx(std::sqrt(16.0)).epsilon(1e-9));
  CHECK(converted<lc::monarch<4, inner<48>>, 24, 16>(weight).report.residual <= 1e-9);
  // Widths that the blocks' square does not divide: ranks differ from pair to pair, and nothing is lost needlessly.
  const converted<lc::monarch<4, inner<24>>, 24, 16> uneven(weight);
  CHECK(uneven.report.residual < rank_one.report.residual);
  CHECK(converted<lc::monarch<4, inner<24>>, 24, 16>(uneven.weight()).report.residual <= 1e-9);
  const converted<lc::monarch<4, inner<8>>, 24, 16> narrow(weight);
  CHECK(narrow.report.residual > rank_one.report.residual);
  CHECK(converted<lc::monarch<4, inner<8>>, 24, 16>(narrow.weight()).report.residual <= 1e-9);
  // A Monarch weight is its own projection.
  CHECK(converted<lc::monarch<4, inner<16>>, 24, 16>(rank_one.weight()).report.residual <= 1e-9);
}

TEST_CASE("BlockDense: the least residual, in closed form") {
  lc::weight_matrix weight(12, 16);
  for (extent_t b = 0; b < 2; ++b) {
    const auto block = with_singular_values(12, 8, {4, 3, 2, 1}, 7 + b);
    for (extent_t o = 0; o < 12; ++o)
      for (extent_t i = 0; i < 8; ++i) weight(o, b * 8 + i) = block(o, i);
  }
  const converted<lc::block_dense<2, inner<4>>, 12, 16> two_each(weight);
  CHECK(two_each.report.residual == doctest::Approx(std::sqrt(2.0 * (4 + 1))).epsilon(1e-9));
  CHECK(converted<lc::block_dense<2, inner<4>>, 12, 16>(two_each.weight()).report.residual <= 1e-9);
}

TEST_CASE("what is masked or cached is converted as without: factors, blocks and orders of rows are the same") {
  const auto same = [](const lc::weight_report& found, const lc::weight_report& expected) {
    INFO(std::string(found.format));
    CHECK(found.residual == expected.residual);
    CHECK(found.residual < found.norm);
  };
  const auto weight = random_weight(16, 12, 41);
  using groups = lc::n_m<2, 6>;
  const converted<lc::product<groups, lc::dense, inner<6>>, 16, 12> alternated(weight);
  same(converted<lc::product<lc::masked<groups>, lc::dense, inner<6>>, 16, 12>(weight).report, alternated.report);
  same(converted<lc::product<lc::cached<groups>, lc::cached<lc::dense>, inner<6>>, 16, 12>(weight).report,
       alternated.report);
  using blocks = lc::block_diagonal<2>;
  const converted<lc::block_dense<2, inner<4>>, 16, 12> over_blocks(weight);
  same(converted<lc::product<lc::cached<lc::dense>, lc::masked<blocks>, inner<4>>, 16, 12>(weight).report,
       over_blocks.report);
  const converted<lc::monarch<2, inner<4>>, 16, 12> shuffled(weight);
  using masked_shuffle = lc::product<lc::masked<blocks>, lc::permuted<lc::cached<blocks>, lc::gathered<2>>, inner<4>>;
  same(converted<lc::permuted<masked_shuffle, lc::spread<2>>, 16, 12>(weight).report, shuffled.report);

  // Rows in two kinds, one below the other: their large entries lie in other columns.
  lc::weight_matrix mixed = weight;
  for (extent_t o = 0; o < 16; ++o)
    for (extent_t i = 0; i < 12; ++i)
      if ((o % 2 == 0) == (i < 6)) mixed(o, i) *= 0.01;
  using strips = lc::blocked<8, 1, density{0.5}>;
  const converted<lc::permuted<strips, lc::ordered>, 16, 12> rearranged(mixed);
  CHECK(rearranged.report.residual < 0.1 * rearranged.report.norm);
  const converted<lc::permuted<lc::masked<strips>, lc::ordered>, 16, 12> under_mask(mixed);
  same(under_mask.report, rearranged.report);
  same(converted<lc::permuted<lc::cached<lc::masked<strips>>, lc::ordered>, 16, 12>(mixed).report, rearranged.report);
  for (extent_t o = 0; o < 16; ++o) CHECK(under_mask.of->order_part.order[o] == rearranged.of->order_part.order[o]);
}

TEST_CASE("masks: the largest are kept, of equal ones the first, and kept zeros stay kept") {
  const auto weight = random_weight(12, 20, 11);
  const converted<lc::csr<density{0.25}>, 12, 20> some(weight);
  std::vector<double> squares;
  for (const double each : weight.values) squares.push_back(each * each);
  std::sort(squares.begin(), squares.end());
  double dropped = 0;
  for (extent_t i = 0; i < 180; ++i) dropped += squares[i];
  CHECK(some.report.residual == doctest::Approx(std::sqrt(dropped)).epsilon(1e-12));
  CHECK(some.of->begins[12] == 60);
  CHECK(converted<lc::csr<density{0.25}>, 12, 20>(some.weight()).report.residual == 0);
  CHECK(converted<lc::csr<density{1}>, 12, 20>(weight).report.residual == 0);
  CHECK(converted<lc::blocked<5, 3, density{1}>, 12, 20>(weight).report.residual == 0);

  lc::weight_matrix level(4, 6);
  for (double& each : level.values) each = 1;
  const converted<lc::csr<density{0.25}>, 4, 6> first(level);
  for (extent_t i = 0; i < 6; ++i) CHECK(first.of->columns[i] == i);
  CHECK(first.of->begins[1] == 6);

  // As many in each row.
  lc::conversion_choices per_row;
  per_row.scope = lc::mask_scope::strip;
  const converted<lc::csr<density{0.25}>, 12, 20> rows(weight, per_row);
  for (extent_t o = 0; o < 12; ++o) CHECK(rows.of->begins[o + 1] - rows.of->begins[o] == 5);

  // A mask that keeps entries of 0: they are stored, and the entries of the rest of the row stay where they are.
  lc::weight_mask mask(4, 6);
  lc::weight_matrix holes = random_weight(4, 6, 12);
  for (const extent_t i : {1u, 4u, 8u, 20u, 22u}) mask.kept[i] = 1;
  holes.values[1] = holes.values[20] = 0;
  lc::conversion_choices by_mask;
  by_mask.mask = &mask;
  const converted<lc::csr<density{0.25}>, 4, 6> kept(holes, by_mask);
  CHECK(kept.of->begins[4] == 5);
  CHECK(kept.of->columns[0] == 1);
  CHECK(kept.of->values[0] == 0);
  CHECK(kept.dense()(0, 4) == holes(0, 4));
  CHECK(kept.dense()(3, 4) == holes(3, 4));

  // Any number but 0 keeps an entry; what is stored is 1.
  const lc::weight_mask ones = mask;
  for (auto& each : mask.kept) each = static_cast<std::uint8_t>(each * 255);
  CHECK(mask.count() == 5);
  const converted<lc::masked<lc::csr<density{0.25}>>, 4, 6> trained(holes, by_mask);
  for (extent_t i = 0; i < 24; ++i) CHECK(trained.of->mask[i] == ones.kept[i]);

  // A mask of more than there is room for is refused.
  for (auto& each : mask.kept) each = 1;
  typename converted<lc::csr<density{0.25}>, 4, 6>::parameters to;
  const auto refused = lc::try_convert_weight<lc::csr<density{0.25}>, 4, 6, double>(holes, to, by_mask);
  CHECK(!refused.ok());
  CHECK(std::string(refused.why().message.c_str()).find("at most 6 blocks, found 24") != std::string::npos);
}

TEST_CASE("N of M: exactly N in each group, and all of them is the dense weight bit for bit") {
  const auto weight = random_weight(10, 24, 13);
  const converted<lc::n_m<2, 8>, 10, 24> some(weight);
  const table behind = some.dense();
  for (extent_t o = 0; o < 10; ++o)
    for (extent_t group = 0; group < 3; ++group) {
      std::vector<double> sizes;
      double least_kept = HUGE_VAL, most_dropped = 0;
      for (extent_t i = group * 8; i < group * 8 + 8; ++i)
        if (behind(o, i) != 0)
          least_kept = std::min(least_kept, std::fabs(behind(o, i))), sizes.push_back(behind(o, i));
        else
          most_dropped = std::max(most_dropped, std::fabs(weight(o, i)));
      CHECK(sizes.size() == 2);
      CHECK(least_kept >= most_dropped);
    }
  CHECK(converted<lc::n_m<2, 8>, 10, 24>(some.weight()).report.residual == 0);
  const converted<lc::n_m<8, 8>, 10, 24> all(weight);
  for (extent_t i = 0; i < weight.values.size(); ++i) CHECK(all.of->values[i] == weight.values[i]);
  const converted<lc::n_m<2, 8, 4>, 10, 24> shared(weight);
  CHECK(shared.report.residual >= some.report.residual);

  // Masked and packed are one weight: two recipes that differ in the format only.
  const converted<lc::masked<lc::n_m<2, 8>>, 10, 24> masked(weight);
  typename converted<lc::n_m<2, 8>, 10, 24>::parameters packed;
  CHECK(lc::try_pack_masked<lc::n_m<2, 8>, lc::kept_entries, 10, 24, double>(*masked.of, packed).ok());
  for (extent_t i = 0; i < packed.values.size; ++i) CHECK(packed.values[i] == some.of->values[i]);
  for (extent_t i = 0; i < packed.places.size; ++i) CHECK(packed.places[i] == some.of->places[i]);
}

TEST_CASE("rearranged rows keep no less, and everything where all blocks are stored") {
  // Rows in two kinds, mixed: their large entries lie in other columns.
  lc::weight_matrix weight = random_weight(16, 12, 17);
  for (extent_t o = 0; o < 16; ++o)
    for (extent_t i = 0; i < 12; ++i)
      if ((o * 7 % 16 < 8) == (i < 6)) weight(o, i) *= 0.01;
  using plain = lc::blocked<8, 1, density{0.5}>;
  const converted<plain, 16, 12> before(weight);
  const converted<lc::permuted<plain, lc::ordered>, 16, 12> after(weight);
  CHECK(after.report.residual < 0.1 * before.report.residual);
  CHECK(converted<lc::permuted<lc::blocked<8, 1, density{1}>, lc::ordered>, 16, 12>(weight).report.residual == 0);
  // Of random rows nothing is to be gained; nothing is lost, either.
  const auto random = random_weight(16, 12, 18);
  CHECK(converted<lc::permuted<plain, lc::ordered>, 16, 12>(random).report.residual <=
        converted<plain, 16, 12>(random).report.residual * (1 + 1e-12));
}

TEST_CASE("a sparse factor over a dense one: alternating improves, and a full pattern is low rank") {
  const auto weight = random_weight(20, 12, 19);
  lc::conversion_choices none;
  none.sweeps = 0;
  using sparse = lc::product<lc::n_m<2, 6>, lc::dense, inner<6>>;
  const converted<sparse, 20, 12> once(weight, none), alternated(weight);
  CHECK(alternated.report.residual < once.report.residual);
  const converted<lc::product<lc::n_m<6, 6>, lc::dense, inner<6>>, 20, 12> full(weight);
  const converted<lc::low_rank_weight<6>, 20, 12> rank_six(weight);
  CHECK(full.report.residual == doctest::Approx(rank_six.report.residual).epsilon(1e-9));
}

TEST_CASE("sums and tiles: the second term takes what the first one loses") {
  const auto weight = random_weight(16, 16, 23);
  using sparse = lc::csr<density{0.2}>;
  const double first = converted<sparse, 16, 16>(weight).report.residual;
  CHECK(converted<lc::sum<sparse, lc::low_rank_weight<3>>, 16, 16>(weight).report.residual < first);
  CHECK(converted<lc::sum<sparse, lc::low_rank_weight<16>>, 16, 16>(weight).report.residual <= 1e-9);
  CHECK(converted<lc::tiled<lc::grid<2, 2>, lc::dense>, 16, 16>(weight).report.residual == 0);
  double off = 0;
  for (extent_t o = 0; o < 16; ++o)
    for (extent_t i = 0; i < 16; ++i) off += o / 4 == i / 4 ? 0 : weight(o, i) * weight(o, i);
  CHECK(converted<lc::block_diagonal<4>, 16, 16>(weight).report.residual == doctest::Approx(std::sqrt(off)));
}

TEST_CASE("eight bits: half a step at most, and the range of the least squares is no worse") {
  auto weight = random_weight(8, 40, 29);
  weight(3, 7) = 40;  // one that spoils the range of its row
  lc::conversion_choices squares;
  squares.range = lc::quantized_range::least_squared_error;
  using parameters = typename lc::quantized<8>::bound<8, 40>::parameters<lc::weights<double>>;
  parameters whole, least;
  const auto by_range = lc::try_convert_weight<lc::quantized<8>, 8, 40, double>(weight, whole);
  const auto by_squares = lc::try_convert_weight<lc::quantized<8>, 8, 40, double>(weight, least, squares);
  REQUIRE(by_range.ok());
  REQUIRE(by_squares.ok());
  for (extent_t o = 0; o < 8; ++o)
    for (extent_t i = 0; i < 40; ++i)
      CHECK(std::fabs(weight(o, i) - whole.scale[o] * whole.weight[o * 40 + i]) <= whole.scale[o] / 2 * (1 + 1e-12));
  CHECK(by_squares->residual <= by_range->residual);
  CHECK(by_range->residual > 0);
}

TEST_CASE("what cannot be converted is named") {
  typename lc::dense::bound<4, 6>::parameters<lc::weights<float>> to;
  const auto other_shape = lc::try_convert_weight<lc::dense, 4, 6, float>(random_weight(6, 4, 1), to);
  CHECK(std::string(other_shape.why().message.c_str()) == "lacuna::convert: expected a weight of 4 x 6, found 6 x 4");
  typename lc::dense::bound<4, 6>::parameters<lc::weights<lc::float16>> half;
  auto large = random_weight(4, 6, 1);
  large(2, 3) = 1e6;
  const auto too_large = lc::try_convert_weight<lc::dense, 4, 6, lc::float16>(large, half);
  CHECK(std::string(too_large.why().message.c_str()) ==
        "lacuna::convert: expected values that f16 holds, found larger ones (choose wider numerics)");
  // Not even where a mask leaves them out.
  typename lc::masked<lc::block_diagonal<2>>::bound<4, 6>::parameters<lc::weights<lc::float16>> half_masked;
  large(2, 0) = 1e6;
  large(2, 3) = 1;
  CHECK(std::string(lc::try_convert_weight<lc::masked<lc::block_diagonal<2>>, 4, 6, lc::float16>(large, half_masked)
                        .why()
                        .message.c_str()) == too_large.why().message.c_str());
  lc::weight_mask everything(4, 6);
  lc::conversion_choices by_mask;
  by_mask.mask = &everything;
  const auto no_pattern = lc::try_convert_weight<lc::dense, 4, 6, float>(random_weight(4, 6, 1), to, by_mask);
  CHECK(std::string(no_pattern.why().message.c_str()) ==
        "lacuna::convert: expected no mask for dense, found one (a mask is the pattern of csr, blocked, n_m, "
        "block_diagonal and masked weights)");
  auto broken = random_weight(4, 6, 1);
  broken(1, 2) = std::nan("");
  const auto no_number = lc::try_convert_weight<lc::dense, 4, 6, float>(broken, to);
  CHECK(std::string(no_number.why().message.c_str()) ==
        "lacuna::convert: element 8 of the weight: expected a finite number, found NaN");
}
TEST_CASE("spectra: singular values of closed forms, and how many directions they amount to") {
  // U diag(4, 2, 1, 0) V^T.
  constexpr double wanted[]{4, 2, 1, 0};
  const auto left = orthonormal(4, 9, 3), right = orthonormal(4, 5, 4);
  lc::tensor<float, 9, 5> matrix;
  for (extent_t i = 0; i < 9; ++i)
    for (extent_t j = 0; j < 5; ++j) {
      double sum = 0;
      for (extent_t r = 0; r < 4; ++r) sum += left[r][i] * wanted[r] * right[r][j];
      matrix[i * 5 + j] = static_cast<float>(sum);
    }
  const auto found = lc::try_measure_spectrum(matrix.view()).take();
  REQUIRE(found.values.size() == 5);
  for (extent_t r = 0; r < 4; ++r) CHECK(std::fabs(found.values[r] - wanted[r]) < 1e-6);
  CHECK(std::fabs(found.nuclear_norm() - 7) < 1e-6);
  CHECK(std::fabs(found.frobenius_norm() - std::sqrt(21.0)) < 1e-6);
  CHECK(std::fabs(found.stable_rank() - 21.0 / 16) < 1e-6);
  const double entropy = std::log(7.0) - (4 * std::log(4.0) + 2 * std::log(2.0)) / 7;
  CHECK(std::fabs(found.effective_rank() - std::exp(entropy)) < 1e-5);

  lc::tensor<double, 6, 6> unit{};
  for (extent_t i = 0; i < 6; ++i) unit[i * 7] = 3;
  CHECK(std::fabs(lc::try_measure_spectrum(unit.view())->effective_rank() - 6) < 1e-12);
  CHECK(std::fabs(lc::try_measure_spectrum(unit.first(1))->effective_rank() - 1) < 1e-12);
  lc::tensor<double, 6, 6> zero{};
  CHECK(lc::try_measure_spectrum(zero.view())->effective_rank() == 0);
  CHECK(lc::try_measure_spectrum(zero.view())->stable_rank() == 0);
  const auto nothing = lc::try_measure_spectrum(unit.first(0));
  REQUIRE(!nothing.ok());
  CHECK(std::string(nothing.why().message.c_str()).find("expected rows, found none") != std::string::npos);
  unit[8] = std::nan("");
  const auto broken = lc::try_measure_spectrum(unit.view());
  REQUIRE(!broken.ok());
  CHECK(std::string(broken.why().message.c_str()).find("row 1, column 2: expected a finite number") !=
        std::string::npos);
}
#endif
