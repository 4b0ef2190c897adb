// Laws of what weight formats make of a dense weight, for the list of formats.cpp: conversions (L4), formats that keep
// everything (L8), and patterns by masks, kept zeros included (L10).
#if __has_include(<nlohmann/json.hpp>) && __has_include(<Eigen/SVD>)
#include <doctest/doctest.h>

#include <lacuna/compress.hpp>
#include <lacuna/io.hpp>

#include "support/format_projection.hpp"
#include "support/same_bits.hpp"
#include "support/scratch.hpp"
#include "support/worse.hpp"

namespace {
using namespace formats;

lc::weight_matrix matrix(const table& of) {
  lc::weight_matrix made(of.outputs, of.inputs);
  made.values = of.of;
  return made;
}
table random_table(extent_t outputs, extent_t inputs, std::uint64_t seed) {
  table made(outputs, inputs);
  dice with{seed};
  for (double& each : made.of) each = with.normal();
  return made;
}
double distance(const table& a, const table& b) {
  double sum = 0;
  for (extent_t i = 0; i < a.of.size(); ++i) sum += (a.of[i] - b.of[i]) * (a.of[i] - b.of[i]);
  return std::sqrt(sum);
}
template <class Case, class Parameters>
lc::weight_report convert(const table& from, Parameters& to, const lc::weight_mask* mask = nullptr) {
  lc::conversion_choices choices;
  choices.mask = mask;
  auto made =
      lc::try_convert_weight<typename Case::format, Case::outputs, Case::inputs, double>(matrix(from), to, choices);
  REQUIRE_MESSAGE(made.ok(), std::string(made.why().message.c_str()));
  CHECK(lc::try_check_parameters(to).ok());
  return *made;
}

/// L4: a conversion gives the nearest weight of the format, or what its docstring says, by a second implementation; the
/// report says how far that is; what is of the format already comes back.
template <class Case>
void converts_as_it_says() {
  using format = typename Case::format;
  INFO(std::string(format::name.c_str()));
  const table weight = random_table(Case::outputs, Case::inputs, 31);
  const auto once = empty_weight<Case>();
  const lc::weight_report report = convert<Case>(weight, *once);
  const table behind = dense_of<Case>(*once);
  const double norm = distance(weight, table(Case::outputs, Case::inputs));
  CHECK(report.norm == doctest::Approx(norm).epsilon(1e-12));
  CHECK(std::fabs(report.residual - distance(weight, behind)) <= 1e-12 * norm);
  CHECK(report.bytes_after == lc::count_bytes<typename Case::template parameters<lc::shapes<double>>>());
  if constexpr (HasProjection<format>) {
    const table nearest = project<format>(weight);
    CHECK(distance(behind, nearest) <= (uses_factors<format> ? 1e-9 : 1e-14) * norm);
    CHECK(std::fabs(report.residual - distance(weight, nearest)) <= 1e-9 * norm);
  } else {
    CHECK(report.residual >= distance(weight, search_bounds<format>::nearer(weight)) * (1 - 1e-12));
    CHECK(report.residual <= distance(weight, search_bounds<format>::plain(weight)) * (1 - 1e-12));
  }
  if constexpr (comes_back<format>) {
    const auto again = empty_weight<Case>();
    convert<Case>(behind, *again);
    const double moved = distance(dense_of<Case>(*again), behind);
    if constexpr (uses_factors<format>)
      CHECK(moved <= 1e-9 * norm);  // other factors of the same weight
    else
      CHECK(moved == 0);
  }
}

/// L8: a format that keeps everything multiplies as the dense weight that it was made from.
template <class Case>
void is_dense(double tolerance) {
  INFO(std::string(Case::format::name.c_str()));
  using plain = sized<lc::dense, Case::outputs, Case::inputs>;
  typename Case::template rig_of<> of;
  typename plain::template rig_of<> dense;
  lc::initialise_parameters(of.parts->parameters);
  const auto report = convert<Case>(dense.dense(), of.parts->parameters);
  CHECK(report.residual <= tolerance * report.norm);
  of.refresh();
  of.parts->x = dense.parts->x, of.parts->dy = dense.parts->dy;
  of.forward(), dense.forward();
  of.backward(), dense.backward();
  const auto apart = [](const auto& a, const auto& b) {
    double largest = 0, difference = 0;
    for (extent_t i = 0; i < a.size; ++i) {
      largest = std::max(largest, std::fabs(b[i]));
      difference = worse(difference, std::fabs(a[i] - b[i]));
    }
    return difference / largest;
  };
  CHECK(apart(of.parts->y, dense.parts->y) <= tolerance);
  CHECK(apart(of.parts->dx, dense.parts->dx) <= std::max(tolerance, 1e-14));  // blocks add in another order
}

/// The part of a format that a given mask is the pattern of.
template <class Format>
struct under_mask {
  using format = Format;
};
template <class Packed, class Gradient>
struct under_mask<lc::masked<Packed, Gradient>> : under_mask<Packed> {};
template <class First, class Second>
struct under_mask<lc::sum<First, Second>> : under_mask<First> {};
template <class Weight>
struct under_mask<lc::permuted<Weight, lc::ordered>> : under_mask<Weight> {};

/// What stores the pattern, once a weight was converted by a mask: the whole weight, but of a sum the first term.
template <class Format>
struct holds_mask {
  using format = Format;
  template <class Parameters>
  static const Parameters& of(const Parameters& parameters) {
    return parameters;
  }
};
template <class First, class Second>
struct holds_mask<lc::sum<First, Second>> {
  using format = First;
  template <class Parameters>
  static const auto& of(const Parameters& parameters) {
    return parameters.first;
  }
};

/// L10: a weight that is converted by a mask stores what the mask keeps, zeros among it, and nothing else; so does what
/// comes back from its file.
template <class Case>
void keeps_zeros_by_mask(const scratch& room) {
  using format = typename Case::format;
  if constexpr (lc::detail::takes_mask<format>) {
    INFO(std::string(format::name.c_str()));
    using patterned = sized<typename under_mask<format>::format, Case::outputs, Case::inputs>;
    using holder = holds_mask<format>;
    using held = sized<typename holder::format, Case::outputs, Case::inputs>;
    const auto drawn = empty_weight<patterned>();
    draw(*drawn, 12);
    const std::vector<bool> kept = stored_entries<patterned>(*drawn);
    lc::weight_mask mask(Case::outputs, Case::inputs);
    table weight = random_table(Case::outputs, Case::inputs, 13);
    extent_t zeros = 0;
    for (extent_t i = 0; i < kept.size(); ++i) {
      mask.kept[i] = kept[i];
      if (kept[i] && i % 3 != 0) weight.of[i] = 0, ++zeros;
    }
    CHECK(zeros > 10);
    CHECK(zeros < mask.count());
    const auto packed = empty_weight<Case>();
    convert<Case>(weight, *packed, &mask);
    CHECK(stored_entries<held>(holder::of(*packed)) == kept);
    const table behind = dense_of<held>(holder::of(*packed));
    bool same = true;
    for (extent_t i = 0; i < kept.size(); ++i) same = same && behind.of[i] == (kept[i] ? weight.of[i] : 0);
    CHECK(same);

    const std::string path = room.path("zeros.safetensors");
    REQUIRE(lc::try_write_safetensors(path, *packed, {}).ok());
    const auto opened = lc::try_read_safetensors(path);
    REQUIRE(opened.ok());
    const auto read = empty_weight<Case>();
    REQUIRE(lc::try_fill(*opened, *read).ok());
    CHECK(stored_entries<held>(holder::of(*read)) == kept);
  }
}

/// Sets a third of what masks keep to 0.
struct clears_some {
  extent_t kept_zeros = 0;
  template <class Leaf>
  void operator()(Leaf&) const {}
  template <class Struct>
  void enters(Struct& of) {
    if constexpr (requires { of.mask; })
      for (extent_t i = 0; i < of.mask.size; ++i)
        if (i % 3 == 0 && of.mask[i] != 0) of.weight[i] = 0, ++kept_zeros;
  }
};
/// Masked parts are packed by their masks, part by part: the same weight, in the same pattern, without masks.
template <class Case>
void is_packed_part_by_part() {
  INFO(std::string(Case::format::name.c_str()));
  using without = typename lc::detail::without_masks<typename Case::format>::type;
  static_assert(!lc::same<without, typename Case::format>);
  using packed = sized<without, Case::outputs, Case::inputs>;
  const auto from = empty_weight<Case>();
  convert<Case>(random_table(Case::outputs, Case::inputs, 17), *from);
  clears_some clears;
  lc::visit_tensors(clears, *from);
  CHECK(clears.kept_zeros > 5);
  const auto to = empty_weight<packed>();
  lc::detail::packs_masks packs;
  packs.pack(*from, *to);
  REQUIRE_MESSAGE(packs.packed.ok(), std::string(packs.packed.why().message.c_str()));
  CHECK(lc::try_check_parameters(*to).ok());
  CHECK(stored_entries<packed>(*to) == stored_entries<Case>(*from));
  const table before = dense_of<Case>(*from), after = dense_of<packed>(*to);
  CHECK(before.of == after.of);
}

/// How many formats of a list take a mask.
template <class... Cases>
constexpr extent_t count_masks(lc::type_list<Cases...>) {
  return (extent_t{0} + ... + (lc::detail::takes_mask<typename Cases::format> ? 1 : 0));
}

}  // namespace

TEST_CASE("atoms and compositions are converted to what is nearest, and come back") {
  for_every(atoms{}, [](auto of) { converts_as_it_says<decltype(of)>(); });
  for_every(compositions{}, [](auto of) { converts_as_it_says<decltype(of)>(); });
}

TEST_CASE("formats that keep everything are the dense weight") {
  using full = lc::density;
  // The same products in the same order.
  const auto to_the_bit = [](auto of) { is_dense<decltype(of)>(0); };
  for_every(
      lc::type_list<sized<lc::dense>, sized<lc::csr<full{1}>>, sized<lc::blocked<4, 3, full{1}>, 13, 22>,
                    sized<lc::blocked<16, 1, full{1}>, 21, 9>, sized<lc::n_m<4, 4>>, sized<lc::n_m<8, 8, 4>>,
                    sized<lc::block_diagonal<1>>, sized<lc::permuted<lc::blocked<8, 1, full{1}>, lc::ordered>>,
                    sized<lc::permuted<lc::dense, lc::gathered<4>>>, sized<lc::tiled<lc::grid<1, 1>, lc::n_m<4, 4>>>,
                    sized<lc::masked<lc::csr<full{1}>>>, sized<lc::cached<lc::csr<full{1}>>>>{},
      to_the_bit);
  // Sums in another order, or factors.
  const auto nearly = [](auto of) { is_dense<decltype(of)>(1e-12); };
  for_every(
      lc::type_list<sized<lc::product<lc::dense, lc::dense>>, sized<lc::block_dense<1>>, sized<lc::block_shuffle<1>>,
                    sized<lc::monarch<1>>, sized<lc::block_shuffle<2, lc::inner<32>>>,
                    sized<lc::sum<lc::dense, rank_four>>, sized<lc::sum<tenth, lc::product<lc::dense, lc::dense>>>,
                    sized<lc::tiled<lc::grid<2, 3>, lc::dense>>, sized<lc::cached<lc::monarch<1>>>>{},
      nearly);
}

// Integers of eight bits are no dense weight of any range; a weight on their grid is kept whole, L8 as it can be.
TEST_CASE("a weight that is integers times a scale is kept to the bit in eight bits") {
  const auto from = empty_weight<sized<lc::quantized<8>>>(), to = empty_weight<sized<lc::quantized<8>>>();
  draw(*from, 5);
  for (extent_t o = 0; o < 16; ++o) from->weight[o * 24 + o] = o % 2 == 0 ? std::int8_t{127} : std::int8_t{-127};
  CHECK(convert<sized<lc::quantized<8>>>(dense_of<sized<lc::quantized<8>>>(*from), *to).residual == 0);
  CHECK(same_bits(from->weight, to->weight));
}

TEST_CASE("masked parts are packed where they stand, kept zeros included, and the others copied") {
  using masked_groups = lc::masked<lc::n_m<2, 4>>;
  for_every(lc::type_list<
                sized<lc::masked<tenth>>, sized<lc::masked<lc::block_diagonal<4>>>,
                sized<lc::masked<half_blocks, lc::sr_ste<>>>, sized<lc::sum<masked_groups, rank_four>>,
                sized<lc::sum<masked_groups, lc::sum<lc::masked<tenth>, rank_four>>>,
                sized<lc::product<lc::masked<half_blocks>, masked_groups>>,
                sized<lc::permuted<lc::sum<lc::masked<tenth>, lc::quantized<8>>, lc::ordered>>,
                sized<lc::cached<lc::tiled<lc::grid<2, 2>, lc::dense, lc::masked<tenth>, rank_four, masked_groups>>>>{},
            [](auto of) { is_packed_part_by_part<decltype(of)>(); });
}

// Formats without a pattern store all that they have: dense alike, quantised alike and factors leave no zeros out.
TEST_CASE("a pattern comes from the mask: kept zeros are stored, and come back from files") {
  static_assert(count_masks(atoms{}) == 10 && count_masks(compositions{}) == 6);
  const scratch room;
  const auto check = [&](auto of) { keeps_zeros_by_mask<decltype(of)>(room); };
  for_every(atoms{}, check);
  for_every(compositions{}, check);
}
#endif
