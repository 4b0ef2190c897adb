// Whole models in other formats: converted, written and read bit for bit, and files whose patterns are damaged.
#if __has_include(<nlohmann/json.hpp>) && __has_include(<Eigen/SVD>)
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <lacuna/compress.hpp>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>

#include "support/recipes.hpp"
#include "support/scratch.hpp"

namespace {
namespace lc = lacuna;
using lc::density;

using base = lc::decoder<
    lc::vocabulary<23>, lc::width<16>, lc::context<12>,
    lc::repeat<
        2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::bias>,
                        lc::ffn<lc::hidden<24>, lc::gated<lc::silu>>>>,
    lc::tied_head>;
using of_attention = lc::per_projection<
    lc::csr<density{0.3}>, lc::for_projection<lc::projection_name::value, lc::n_m<2, 4>>,
    lc::for_projection<lc::projection_name::output, lc::permuted<lc::blocked<4, 1, density{0.5}>, lc::ordered>>>;
using of_ffn = lc::per_projection<lc::masked<lc::csr<density{0.5}>>,
                                  lc::for_projection<lc::projection_name::down, lc::quantized<8>>>;
using attention_only = lc::substitute<base, lc::dense, of_attention, lc::in<lc::recipe_name::attention>>;
/// Everything that is stored in another way than dense, in one recipe.
using mixed = lc::substitute<lc::substitute<attention_only, lc::dense, of_ffn, lc::in<lc::recipe_name::ffn>>,
                             lc::tied_head, lc::linear_head<lc::quantized<8>>>;
/// Nothing is lost.
using kept_whole = lc::substitute<base, lc::dense, lc::csr<density{1}>>;

constexpr std::uint32_t stream[]{3, 1, 4, 1, 5, 9, 2, 6};
const lc::token_view tokens{stream, 8};

template <class Model>
std::vector<double> logits_of(Model& of) {
  of.reset();
  const auto rows = of.try_forward(tokens);
  REQUIRE(rows.ok());
  return {rows->data, rows->data + Model::vocabulary};
}
lc::model<base> trained() {
  lc::model<base> made;
  recipes::randomise(made, 5, 0.4);
  return made;
}
/// The elements of one tensor.
template <class Model>
std::vector<double> elements(const Model& of, const char* path) {
  std::vector<double> found;
  lc::visit_named(
      [&]<class Leaf>(const char* name, const Leaf& tensor) {
        if (std::strcmp(name, path) != 0) return;
        for (const auto each : tensor.data)
          if constexpr (lc::is_integer<typename Leaf::element>)
            found.push_back(each);
          else
            found.push_back(static_cast<double>(lc::widen(each)));
      },
      of.parameters());
  REQUIRE(!found.empty());
  return found;
}
std::string text(const lc::error& why) { return why.message.c_str(); }
/// What the reports of single maps say together is what the recipes say, where everything else is the same.
template <class From, class To>
void agrees(const lc::conversion_report& report) {
  CHECK(report.bytes_before == lc::parameter_bytes<From, lc::f32>);
  CHECK(report.bytes_after == lc::parameter_bytes<To, lc::f32>);
  std::int64_t bytes = 0, multiply_adds = 0;
  for (const auto& each : report.weights) {
    bytes += static_cast<std::int64_t>(each.bytes_after) - static_cast<std::int64_t>(each.bytes_before);
    multiply_adds +=
        static_cast<std::int64_t>(each.multiply_adds_after) - static_cast<std::int64_t>(each.multiply_adds_before);
  }
  CHECK(bytes == static_cast<std::int64_t>(report.bytes_after) - static_cast<std::int64_t>(report.bytes_before));
  CHECK(multiply_adds == static_cast<std::int64_t>(lc::decode_multiply_adds<To>(0)) -
                             static_cast<std::int64_t>(lc::decode_multiply_adds<From>(0)));
}

/// Two tensors of one name.
struct twice_named {
  lc::tensor<float, 2> first, second;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("order", s.first...);
    v("order", s.second...);
  }
};

}  // namespace

TEST_CASE("a converted model runs, and one that loses nothing says the same") {
  auto from = trained();
  const auto expected = logits_of(from);
  lc::model<kept_whole> whole;
  const auto report = lc::try_convert_into(from, whole);
  REQUIRE_MESSAGE(report.ok(), text(report.why()));
  CHECK(report->weights.size() == 14);
  CHECK(report->relative_residual() == 0);
  agrees<base, kept_whole>(*report);
  CHECK(lc::parameter_count<kept_whole> == lc::parameter_count<base>);
  const auto found = logits_of(whole);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) <= 1e-5);

  const auto sparse = std::make_unique<lc::model<mixed>>();
  const auto reported = lc::try_convert_into(from, *sparse);
  REQUIRE_MESSAGE(reported.ok(), text(reported.why()));
  agrees<base, mixed>(*reported);
  for (const double each : logits_of(*sparse)) CHECK(std::isfinite(each));
  // The head of its own is the embedding, rounded.
  const auto integers = elements(*sparse, "head.weight"), scales = elements(*sparse, "head.scale");
  const auto embedding = elements(from, "embedding.weight");
  for (std::size_t i = 0; i < embedding.size(); ++i)
    CHECK(std::fabs(scales[i / 16] * integers[i] - embedding[i]) <= scales[i / 16] * 0.5001);
  // Biases and norms are copied.
  for (const char* path : {"blocks.1.attention.query.bias", "blocks.0.ffn_norm.gain", "final_norm.gain"})
    CHECK(elements(*sparse, path) == elements(from, path));

  // Back again, into dense: the weight behind the formats.
  auto back = lc::try_convert<lc::model<base>>(whole);
  REQUIRE(back.ok());
  CHECK(logits_of(*back) == expected);
  lc::model<base> again;
  const auto of_sparse = lc::try_convert_into(whole, again);
  REQUIRE(of_sparse.ok());
  agrees<kept_whole, base>(*of_sparse);
  CHECK(of_sparse->weights[0].bytes_before == report->weights[0].bytes_after);
}

TEST_CASE("numbers that the target does not hold are refused where they are copied, too, and nothing has changed") {
  auto from = trained();
  lc::model<base> to;
  const auto refused = [&](const char* sentence) {
    from.update();
    const auto found = lc::try_convert_into(from, to);
    REQUIRE(!found.ok());
    CHECK(text(found.why()) == sentence);
    for (const double each : elements(to, "embedding.weight")) CHECK(each == 0);
  };
  // The last tensor in a row of those that are copied.
  const auto write = [&](const char* path, lc::extent_t at, double value) {
    lc::visit_named(
        [&]<class Leaf>(const char* name, Leaf& tensor) {
          if (std::strcmp(name, path) == 0) tensor[at] = static_cast<typename Leaf::element>(value);
        },
        from.parameters_to_write());
  };
  write("final_norm.gain", 3, std::nan(""));
  refused("'final_norm.gain': lacuna::convert: element 3 of the weight: expected a finite number, found NaN");
  write("final_norm.gain", 3, HUGE_VAL);
  refused("'final_norm.gain': lacuna::convert: element 3 of the weight: expected a finite number, found infinity");

  write("final_norm.gain", 3, 1);
  write("embedding.weight", 5, 1e6);
  from.update();
  const auto half = std::make_unique<lc::model<base, lc::f16>>();
  CHECK(text(lc::try_convert_into(from, *half).why()) ==
        "'embedding.weight': lacuna::convert: expected values that f16 holds, found larger ones (choose wider "
        "numerics)");
  CHECK(elements(*half, "embedding.weight")[0] == 0);
}

TEST_CASE("maps that keep their format are reported where another element rounds them") {
  const auto rounds = [](const auto& from, auto& half, std::vector<const char*> tensors) {
    const auto report = lc::try_convert_into(from, half);
    REQUIRE_MESSAGE(report.ok(), text(report.why()));
    CHECK(report->weights.size() == 14);
    for (const auto& each : report->weights) {
      // The numbers that the map stores, and what rounding took of them.
      double all = 0, lost = 0;
      for (const char* tensor : tensors) {
        const std::string path = std::string(each.path.c_str()) + tensor;
        const auto before = elements(from, path.c_str()), after = elements(half, path.c_str());
        for (std::size_t i = 0; i < before.size(); ++i)
          all += before[i] * before[i], lost += (before[i] - after[i]) * (before[i] - after[i]);
      }
      INFO(std::string(each.path.c_str()));
      CHECK(each.norm == doctest::Approx(std::sqrt(all)).epsilon(1e-12));
      CHECK(each.residual == doctest::Approx(std::sqrt(lost)).epsilon(1e-9));
      CHECK(each.residual > 0);
      CHECK(each.residual < each.norm / 2048);
      CHECK(each.bytes_after < each.bytes_before);
      CHECK(each.multiply_adds_after == each.multiply_adds_before);
    }
    for (const double each : elements(half, "blocks.1.attention.query.bias")) CHECK(each != 0);
  };
  // A sparse one that stores all entries; and one that is no matrix, whose numbers are measured one by one.
  auto whole = lc::convert<lc::model<kept_whole>>(trained());
  lc::model<kept_whole, lc::f16> half;
  rounds(whole, half, {".values"});
  using gated = lc::substitute<base, lc::dense, lc::sum<lc::thresholded, lc::low_rank_weight<2>>>;
  lc::model<gated> gates;
  recipes::randomise(gates, 5, 0.4);
  lc::model<gated, lc::f16> half_gates;
  rounds(gates, half_gates, {".first.weight", ".first.threshold", ".second.left.weight", ".second.right.weight"});

  // In the same element they are copied, bit for bit.
  lc::model<kept_whole> copy;
  const auto copied = lc::try_convert_into(whole, copy);
  REQUIRE(copied.ok());
  CHECK(copied->weights.empty());
  CHECK(logits_of(copy) == logits_of(whole));
}

TEST_CASE("inside a composed format, projections differ in that part") {
  using lc::dense, lc::format_at, lc::same;
  namespace at = lc::projection_name;
  using low = lc::product<dense, dense, lc::inner<2>>;
  using few = lc::csr<density{0.5}>;
  using part = lc::per_projection<dense, lc::for_projection<at::down, low>>;
  static_assert(same<format_at<lc::sum<few, part>, at::down>, lc::sum<few, low>>);
  static_assert(same<format_at<lc::sum<few, part>, at::up>, lc::sum<few, dense>>);
  static_assert(same<format_at<lc::sum<few, lc::product<part, dense, lc::inner<4>>>, at::down>,
                     lc::sum<few, lc::product<low, dense, lc::inner<4>>>>);
  static_assert(same<format_at<lc::tiled<lc::grid<1, 2>, part>, at::down>, lc::tiled<lc::grid<1, 2>, low>>);
  static_assert(
      same<format_at<lc::masked<lc::per_projection<few, lc::for_projection<at::value, lc::n_m<2, 4>>>>, at::value>,
           lc::masked<lc::n_m<2, 4>>>);
  // A composed format that tells nothing apart stays the type that it is.
  static_assert(same<format_at<lc::sum<few, low>, at::down>, lc::sum<few, low>>);
  // In a model: the same tensors, and the same numbers from them, as with the choice outside.
  using outside = lc::per_projection<lc::sum<dense, dense>, lc::for_projection<at::down, lc::sum<dense, low>>>;
  using ffn_alone = lc::in<lc::recipe_name::ffn>;
  lc::model<lc::substitute<base, dense, lc::sum<dense, part>, ffn_alone>> chosen_inside;
  lc::model<lc::substitute<base, dense, outside, ffn_alone>> chosen_outside;
  recipes::randomise(chosen_inside, 5, 0.4);
  recipes::randomise(chosen_outside, 5, 0.4);
  CHECK(elements(chosen_inside, "blocks.1.ffn.down.second.left.weight").size() == 16 * 2);
  CHECK(logits_of(chosen_inside) == logits_of(chosen_outside));
}

TEST_CASE("recipes that differ in more than formats are refused") {
  using longer = lc::substitute<base, lc::hidden<24>, lc::hidden<32>>;
  auto from = trained();
  lc::model<longer> other;
  const auto refused = lc::try_convert_into(from, other);
  CHECK(text(refused.why()) ==
        "'blocks.0.ffn.gate': lacuna::convert: expected a weight of 32 x 16, found 24 x 16 (do the recipes differ in "
        "more than formats?)");
}

TEST_CASE("what the target has no room for is named") {
  using unbiased = lc::substitute<base, lc::bias, lc::no_bias>;
  using shallow = lc::decoder<
      lc::vocabulary<23>, lc::width<16>, lc::context<12>,
      lc::repeat<1, lc::pre_norm<lc::rms_norm<>,
                                 lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::bias>,
                                 lc::ffn<lc::hidden<24>, lc::gated<lc::silu>>>>,
      lc::tied_head>;
  const auto from = trained();
  lc::model<unbiased> without;
  const auto no_bias = lc::try_convert_into(from, without);
  CHECK(text(no_bias.why()).find("attention.query.bias\': expected a counterpart") != std::string::npos);
  lc::model<shallow> one_layer;
  const auto no_layer = lc::try_convert_into(from, one_layer);
  CHECK(text(no_layer.why()).find("blocks.1.") != std::string::npos);
}

TEST_CASE("a masked weight is packed by its mask, zeros and all") {
  using masks = lc::substitute<base, lc::dense, lc::masked<lc::csr<density{0.5}>>>;
  using packs = lc::substitute<base, lc::dense, lc::csr<density{0.5}>>;
  auto from = lc::convert<lc::model<masks>>(trained());
  // Ten entries are kept in one weight, two of them 0.
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        using element = typename Leaf::element;
        if (std::strcmp(path, "blocks.0.ffn.up.mask") == 0)
          for (lc::extent_t i = 0; i < Leaf::size; ++i) tensor[i] = static_cast<element>(i % 40 == 3 ? 1 : 0);
        if (std::strcmp(path, "blocks.0.ffn.up.weight") == 0) tensor[3] = tensor[43] = element{};
      },
      from.parameters_to_write());
  from.update();
  auto to = lc::try_convert<lc::model<packs>>(from);
  REQUIRE_MESSAGE(to.ok(), text(to.why()));
  const auto begins = elements(*to, "blocks.0.ffn.up.begins"), columns = elements(*to, "blocks.0.ffn.up.columns");
  const auto values = elements(*to, "blocks.0.ffn.up.values"), weight = elements(from, "blocks.0.ffn.up.weight");
  CHECK(begins.back() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(columns[i] == static_cast<double>((i * 40 + 3) % 16));
    CHECK(values[i] == weight[i * 40 + 3]);
  }
  // A mask that keeps more than there is room for is refused.
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if (std::strcmp(path, "blocks.0.ffn.up.mask") == 0)
          for (auto& each : tensor.data) each = static_cast<typename Leaf::element>(1);
      },
      from.parameters_to_write());
  const auto refused = lc::try_convert<lc::model<packs>>(from);
  CHECK(text(refused.why()).find("expected a mask of at most 192 blocks, found 384") != std::string::npos);
}

TEST_CASE("masked blocks along the diagonal are packed by their mask, too") {
  using diagonal = lc::substitute<base, lc::dense, lc::block_diagonal<2>>;
  auto masks = lc::convert<lc::model<lc::substitute<base, lc::dense, lc::masked<lc::block_diagonal<2>>>>>(trained());
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if (std::strcmp(path, "blocks.0.ffn.up.mask") == 0) tensor[5] = static_cast<typename Leaf::element>(0);
      },
      masks.parameters_to_write());
  masks.update();
  auto packed = lc::try_convert<lc::model<diagonal>>(masks);
  REQUIRE_MESSAGE(packed.ok(), text(packed.why()));
  CHECK(elements(*packed, "blocks.0.ffn.up.weight")[5] == 0);
  const auto by_mask = logits_of(masks), by_blocks = logits_of(*packed);
  for (std::size_t i = 0; i < by_mask.size(); ++i) CHECK(by_blocks[i] == doctest::Approx(by_mask[i]).epsilon(1e-5));
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if (std::strcmp(path, "blocks.0.ffn.up.mask") == 0) tensor[9] = static_cast<typename Leaf::element>(1);
      },
      masks.parameters_to_write());
  CHECK(text(lc::try_convert<lc::model<diagonal>>(masks).why())
            .find("expected a mask that keeps nothing outside the 2 blocks, found output 0, input 9 kept") !=
        std::string::npos);
}

TEST_CASE("masks inside sums and other composed formats are patterns, too: packed part by part") {
  using few = lc::csr<density{0.5}>;
  using groups = lc::n_m<2, 4>;
  using strips = lc::blocked<4, 1, density{0.5}>;
  using low = lc::low_rank_weight<2>;
  // Sums of sums, tiles, an order of rows, and a masked factor, one in each projection.
  using with_masks = lc::per_projection<
      lc::sum<lc::masked<few>, low>,
      lc::for_projection<lc::projection_name::down, lc::sum<lc::masked<groups>, lc::sum<lc::masked<few>, low>>>,
      lc::for_projection<lc::projection_name::gate, lc::cached<lc::tiled<lc::grid<1, 2>, lc::masked<few>, low>>>>;
  using without = lc::per_projection<
      lc::sum<few, low>, lc::for_projection<lc::projection_name::down, lc::sum<groups, lc::sum<few, low>>>,
      lc::for_projection<lc::projection_name::gate, lc::cached<lc::tiled<lc::grid<1, 2>, few, low>>>>;
  using in_ffn = lc::in<lc::recipe_name::ffn>;
  using in_attention = lc::in<lc::recipe_name::attention>;
  using masks =
      lc::substitute<lc::substitute<base, lc::dense, with_masks, in_ffn>, lc::dense,
                     lc::permuted<lc::product<lc::masked<strips>, lc::masked<groups>>, lc::ordered>, in_attention>;
  using packs = lc::substitute<lc::substitute<base, lc::dense, without, in_ffn>, lc::dense,
                               lc::permuted<lc::product<strips, groups>, lc::ordered>, in_attention>;
  lc::model<masks> from;
  recipes::randomise(from, 7, 0.4);
  // Masks that are no largest entries, and among what they keep zeros; orders that are not those of rows.
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        const std::string name = path;
        using element = typename Leaf::element;
        if (name.ends_with(".mask"))
          for (lc::extent_t i = 0; i < Leaf::size; ++i) {
            const lc::extent_t inputs = Leaf::extents[Leaf::rank - 1], input = i % inputs, output = i / inputs;
            tensor[i] = static_cast<element>(input % 4 == output / 4 % 4 ? 1 : 0);
          }
        if (name.ends_with(".order"))
          for (lc::extent_t i = 0; i < Leaf::size; ++i) tensor[i] = static_cast<element>(i ^ 1u);
        if (name.find("ffn.up.first.weight") != std::string::npos) tensor[0] = tensor[4] = element{};
      },
      from.parameters_to_write());
  from.update();
  lc::model<packs> to;
  const auto report = lc::try_convert_into(from, to);
  REQUIRE_MESSAGE(report.ok(), text(report.why()));
  CHECK(report->weights.size() == 14);
  CHECK(report->relative_residual() <= 1e-6);
  agrees<masks, packs>(*report);

  // The pattern is the mask: kept zeros are stored, and nothing else that is 0.
  const auto begins = elements(to, "blocks.0.ffn.up.first.begins"),
             columns = elements(to, "blocks.0.ffn.up.first.columns");
  const auto values = elements(to, "blocks.0.ffn.up.first.values");
  const auto weight = elements(from, "blocks.0.ffn.up.first.weight"),
             mask = elements(from, "blocks.0.ffn.up.first.mask");
  std::size_t entry = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    CHECK(columns[entry] == static_cast<double>(i % 16));
    CHECK(values[entry] == weight[i]);
    ++entry;
  }
  CHECK(values[0] == 0);
  CHECK(begins.back() == static_cast<double>(entry));
  CHECK(entry == mask.size() / 4);
  // All other parts are as they were, to the bit.
  for (const char* path : {"blocks.0.ffn.up.second.left.weight", "blocks.1.ffn.up.second.right.weight",
                           "blocks.1.ffn.down.second.second.left.weight", "blocks.0.ffn.gate.tiles.1.right.weight",
                           "blocks.0.attention.query.order", "blocks.1.attention.value.bias"})
    CHECK(elements(to, path) == elements(from, path));
  const auto by_masks = logits_of(from), packed = logits_of(to);
  for (std::size_t i = 0; i < packed.size(); ++i) CHECK(std::fabs(packed[i] - by_masks[i]) <= 1e-5);

  // What was packed comes back from its file with its zeros.
  const scratch room;
  REQUIRE(lc::try_save(to, room.path("packed.safetensors")).ok());
  lc::model<packs> read;
  REQUIRE(lc::try_load_into(read, room.path("packed.safetensors")).ok());
  CHECK(elements(read, "blocks.0.ffn.up.first.columns") == columns);
  CHECK(elements(read, "blocks.0.ffn.up.first.values") == values);
  CHECK(logits_of(read) == packed);

  // A mask that keeps more than a part has room for is refused, and nothing changed.
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if (std::strcmp(path, "blocks.1.ffn.down.second.first.mask") == 0)
          for (auto& each : tensor.data) each = static_cast<typename Leaf::element>(1);
      },
      from.parameters_to_write());
  from.update();
  CHECK(text(lc::try_convert_into(from, to).why())
            .find("'blocks.1.ffn.down': lacuna::convert: expected a mask of at most 192 blocks, found 384") !=
        std::string::npos);
  CHECK(logits_of(to) == packed);
}

TEST_CASE("formats that differ in more than masks are taken apart anew, and the report says what that loses") {
  using few = lc::csr<density{0.25}>;
  using masks = lc::substitute<base, lc::dense, lc::sum<lc::masked<few>, lc::low_rank_weight<2>>>;
  using other = lc::substitute<base, lc::dense, lc::sum<few, lc::low_rank_weight<1>>>;
  lc::model<masks> from;
  recipes::randomise(from, 7, 0.4);
  lc::visit_named(
      []<class Leaf>(const char* path, Leaf& tensor) {
        if (std::string(path).ends_with(".mask"))
          for (lc::extent_t i = 0; i < Leaf::size; ++i) tensor[i] = static_cast<typename Leaf::element>(i % 4 == 0);
      },
      from.parameters_to_write());
  from.update();
  lc::model<other> to;
  const auto report = lc::try_convert_into(from, to);
  REQUIRE_MESSAGE(report.ok(), text(report.why()));
  CHECK(report->relative_residual() > 0.01);
}

TEST_CASE("an update of a weight that loses nothing starts as LoRA does: it is 0, and it learns") {
  using updated = lc::substitute<base, lc::dense, lc::sum<lc::dense, lc::low_rank_weight<2>>>;
  const auto from = trained();
  const auto to = lc::convert<lc::model<updated>>(from);
  for (const double of : elements(to, "blocks.0.ffn.up.second.left.weight")) CHECK(of == 0);
  double squares = 0;
  const auto drawn = elements(to, "blocks.0.ffn.up.second.right.weight");
  for (const double of : drawn) {
    CHECK(of != 0);
    squares += of * of;
  }
  CHECK(squares / static_cast<double>(drawn.size()) == doctest::Approx(1.0 / 16).epsilon(0.5));
}

TEST_CASE("a sparse model comes back from a file bit for bit, as large as it says") {
  const scratch room;
  auto sparse = lc::convert<lc::model<mixed>>(trained());
  REQUIRE(lc::try_save(sparse, room.path("formats.safetensors")).ok());
  lc::model<mixed> read;
  const auto loaded = lc::try_load_into(read, room.path("formats.safetensors"));
  REQUIRE_MESSAGE(loaded.ok(), text(loaded.why()));
  bool same = true;
  lc::visit_tensors(
      [&]<class Leaf>(const Leaf& a, const Leaf& b) {
        same = same && std::memcmp(a.data, b.data, Leaf::size * sizeof(a.data[0])) == 0;
      },
      sparse.parameters(), read.parameters());
  CHECK(same);
  CHECK(logits_of(read) == logits_of(sparse));
  const auto opened = lc::try_read_safetensors(room.path("formats.safetensors"));
  REQUIRE(opened.ok());
  lc::extent_t bytes = 0;
  for (const auto& entry : opened->entries) bytes += entry.end - entry.begin;
  CHECK(bytes == lc::parameter_bytes<mixed, lc::f32>);
  CHECK(opened->entries.size() == lc::figures<mixed>.tensors);
}

TEST_CASE("two tensors of one name are not written") {
  const scratch room;
  const auto refused = lc::try_write_safetensors(room.path("twice.safetensors"), twice_named{}, {});
  CHECK(text(refused.why()).find("tensor 'order': expected each name once, found it twice") != std::string::npos);
  CHECK(!std::filesystem::exists(room.path("twice.safetensors")));
}

TEST_CASE("damaged patterns in a file are named, and the model stays as it was") {
  const scratch room;
  auto sparse = lc::convert<lc::model<mixed>>(trained());
  REQUIRE(lc::try_save(sparse, room.path("formats.safetensors")).ok());
  const auto opened = lc::try_read_safetensors(room.path("formats.safetensors"));
  REQUIRE(opened.ok());
  lc::model<mixed> read;
  REQUIRE(lc::try_load_into(read, room.path("formats.safetensors")).ok());
  const auto before = logits_of(read);

  const auto complaint = [&](const char* tensor, std::uint64_t element, auto value) {
    lc::directory damaged = *opened;
    for (const auto& entry : damaged.entries)
      if (entry.name == tensor)
        std::memcpy(damaged.bytes.data() + entry.begin + element * sizeof value, &value, sizeof value);
    const auto refused = lc::try_load_into(read, damaged);
    CHECK(logits_of(read) == before);
    return refused.ok() ? std::string("loaded") : text(refused.why());
  };
  const auto says = [](const std::string& found, const char* part) {
    INFO(found);
    CHECK(found.find(part) != std::string::npos);
  };
  says(complaint("blocks.1.attention.query.begins", 0, std::uint32_t{1}),
       "tensor 'blocks.1.attention.query.begins': element 0: expected 0, found 1");
  says(complaint("blocks.1.attention.query.begins", 3, std::uint32_t{1000}), "element 3: expected a number from ");
  says(complaint("blocks.1.attention.query.begins", 16, std::uint32_t{2}), "element 16: expected a number from ");
  says(complaint("blocks.1.attention.query.columns", 0, std::uint16_t{16}),
       "expected a block of strip 0 from 0 to 15, found 16");
  const double first = elements(read, "blocks.1.attention.query.columns")[0];
  says(complaint("blocks.1.attention.query.columns", 1, static_cast<std::uint16_t>(first)),
       "element 1: expected a block of strip 0 from ");
  says(complaint("blocks.0.attention.value.places", 5, std::uint8_t{4}),
       "element 5: expected a place within its group from ");
  says(complaint("blocks.0.attention.value.places", 3, std::uint8_t{0}),
       "element 3: expected a place within its group from ");
  says(complaint("blocks.0.attention.output.order", 4, std::uint16_t{16}),
       "expected a number below 16 that was not there before, found 16");
  says(complaint("blocks.0.ffn.up.mask", 7, std::uint8_t{2}),
       "tensor 'blocks.0.ffn.up.mask': element 7: expected 0 or 1, found 2");
  says(complaint("blocks.0.ffn.down.weight", 9, std::int8_t{-128}), "expected an integer from -127 to 127, found -128");
  says(complaint("blocks.0.ffn.down.scale", 2, -1.0f), "tensor 'blocks.0.ffn.down.scale': element 2: ");

  // Numbers where integers belong.
  lc::directory other = *opened;
  for (auto& entry : other.entries)
    if (entry.name == "blocks.0.attention.query.columns") entry.type = lc::stored_type::f16, entry.type_name = "F16";
  const auto refused = lc::try_load_into(read, other);
  says(text(refused.why()), "tensor 'blocks.0.attention.query.columns': expected elements U16, found F16");
}

TEST_CASE("a sparse model that learns keeps its zeros, through momentum and decay of weights") {
  using sparse = lc::substitute<base, lc::dense, lc::masked<lc::csr<density{0.3}>>>;
  using learner = lc::model<sparse, lc::training>;
  auto model = std::make_unique<learner>();
  REQUIRE(lc::try_convert_into(trained(), *model).ok());
  std::vector<float> velocity(lc::parameter_count<sparse>);
  const auto before = elements(*model, "blocks.0.ffn.up.weight"), mask = elements(*model, "blocks.0.ffn.up.mask");
  for (int step = 0; step < 5; ++step) {
    const auto rows = model->try_forward_to_learn(tokens);
    REQUIRE(rows.ok());
    std::vector<float> adjoint(rows->count * learner::outputs);
    for (std::size_t i = 0; i < adjoint.size(); ++i) adjoint[i] = rows->data[i] - (i % 7 == 0 ? 1.0f : 0.0f);
    model->clear_gradients();
    REQUIRE(model->try_backward(tokens, {adjoint.data(), rows->count}).ok());
    std::size_t at = 0;
    lc::visit_tensors(
        [&](auto& weight, const auto& gradient) {
          for (lc::extent_t i = 0; i < weight.size; ++i, ++at) {
            velocity[at] = 0.9f * velocity[at] + gradient[i];
            weight[i] -= 0.01f * velocity[at];
          }
        },
        model->parameters_to_write(), model->gradients_to_write());
    model->update();
    model->reset();
  }
  const auto after = elements(*model, "blocks.0.ffn.up.weight");
  double moved = 0;
  for (std::size_t i = 0; i < after.size(); ++i)
    if (mask[i] == 0)
      CHECK(after[i] == before[i]);
    else
      moved += std::fabs(after[i] - before[i]);
  CHECK(moved > 0);
  // Packed, the model says what the masked one says.
  using packed = lc::substitute<base, lc::dense, lc::csr<density{0.3}>>;
  auto small = lc::try_convert<lc::model<packed>>(*model);
  REQUIRE_MESSAGE(small.ok(), text(small.why()));
  const auto expected = logits_of(*model), found = logits_of(*small);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) <= 1e-5);
}
#endif
