// What `describe` prints of a recipe is a constant, and the same everywhere.
#include "support/compiled_tiles.hpp"
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <cstdio>
#include <lacuna/with_simd.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

namespace small {
namespace lc = lacuna;

/// A backend that multiplies f32, and no more.
struct multiplies : lc::reference {
  static constexpr auto name = lc::fixed_string("multiplies");
};
template <lc::extent_t Outputs, lc::extent_t Inputs, class Packed>
auto kernel(lc::operation::multiply, lc::rows<float, Outputs> y, lc::rows<const float, Inputs> x,
            lc::matrix<const float, Outputs, Inputs> weight, const Packed& packed, const multiplies&) {
  kernel(lc::operation::multiply{}, y, x, weight, packed, lc::reference{});
  return lc::ran_on<multiplies>{};
}

/// A norm that no constant expression can follow.
struct norm_of_run_time : lc::rms_norm<> {
  template <lc::extent_t Width>
  struct bound : lc::rms_norm<>::bound<Width> {
    using plain = lc::rms_norm<>::bound<Width>;
    template <class... Arguments>
    static void forward(Arguments&&... arguments) {
      plain::forward(arguments...);
    }
  };
};

}  // namespace small

namespace {
namespace lc = lacuna;
using shipped = lc::zoo::shipped;

constexpr const auto& of = lc::figures<shipped>;
static_assert(of.parameters == 730'368 && of.tensors == 4 * 8 + 2 && of.parameters == lc::parameter_count<shipped>);
static_assert(of.bytes_f32 == 4 * 730'368 && of.bytes_bf16 == 2 * 730'368 && of.bytes_f16 == of.bytes_bf16);
static_assert(of.state_bytes_f32 == 4 * 2 * 256 * 64 * 4);
static_assert(of.multiply_adds_first == 730'240 && of.multiply_adds_last == 991'360);
static_assert(of.size_count == 7 && of["layers"] == 4 && of["hidden"] == 512 && of["kv_heads"] == 2 && of["none"] == 0);
static_assert(of.schedule_count == 1 && std::string_view(of.schedules[0].route) == "causal" &&
              std::string_view(of.schedules[0].why) == "plain dot product, one-pass normaliser, route with spans");
static_assert(lc::tensor_table<shipped>.size() == of.tensors);
static_assert(std::string_view(lc::tensor_table<shipped>[2].path.c_str()) == "blocks.0.attention.query.weight");
static_assert(lc::tensor_table<shipped>[2].rank == 2 && lc::tensor_table<shipped>[2].extents[1] == 128);
// Whether weights still apply: a route has none, heads change a shape, another norm adds a tensor.
static_assert(lc::same_tensors<shipped, lc::substitute<shipped, lc::causal, lc::full>>);
static_assert(!lc::same_tensors<shipped, lc::substitute<shipped, lc::kv_heads<2>, lc::kv_heads<1>>>);
static_assert(!lc::same_tensors<shipped, lc::substitute<shipped, lc::rms_norm<>, lc::layer_norm<>>>);
static_assert(!lc::same_tensors<shipped, lc::zoo::stories260k>);
// Layers that differ have a range, and a reason each.
template <class Route, lc::extent_t Hidden>
using layer = lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, Route>,
                           lc::ffn<lc::hidden<Hidden>, lc::relu>>;
using mixed = lc::decoder<lc::vocabulary<65>, lc::width<128>, lc::context<256>, layer<lc::causal, 64>,
                          lc::repeat<2, layer<lc::causal, 512>>, layer<lc::both<lc::causal, lc::window<64>>, 512>>;
constexpr const auto& of_mixed = lc::figures<mixed>;
static_assert(of_mixed.sizes[6].least == 64 && of_mixed.sizes[6].most == 512 && of_mixed.sizes[6].layers == 4);
static_assert(of_mixed.schedule_count == 3 &&
              std::string_view(of_mixed.schedules[2].route) == "both<causal, window<64>>");

/// Which backend serves an operation of a model, and whether a backward calls it.
template <class Model>
constexpr bool serves(const char* operation, std::string_view backend, bool in_backward = false) {
  bool found = false;
  for (const auto& row : lc::served<Model>)
    if (std::string_view(row.operation) == operation && row.in_backward == in_backward) {
      if (found || row.backend != backend) return false;
      found = true;
    }
  return found;
}
using fast = lc::model<shipped, lc::simd>;
static_assert(lc::served<fast>.size() == 6 && lc::served<fast>.fall_backs == 0 && serves<fast>("attend", "simd"));
static_assert(std::string_view(lc::served<fast>.backend_of("rotate")) == "simd");
static_assert(std::string_view(lc::served<fast>.backend_of("attend_backward")).empty());
// A model that learns calls a backward, too; f64 has no lanes, and the reference is nobody's fall-back.
using learning = lc::model<shipped, lc::simd, lc::training>;
static_assert(lc::served<learning>.fall_backs == 0 && serves<learning>("attend_backward", "simd", true) &&
              serves<learning>("evaluate", "simd") && serves<learning>("evaluate", "simd", true));
using wide = lc::model<shipped, lc::simd, lc::f64>;
static_assert(lc::served<wide>.fall_backs == lc::served<wide>.size() && serves<wide>("multiply", "reference"));
static_assert(lc::served<lc::model<shipped>>.fall_backs == 0 && serves<lc::model<shipped>>("multiply", "reference"));
// Of a backend with one kernel the others are its parent's. Weights of another type have no kernel there.
using partly = lc::model<shipped, small::multiplies, lc::training>;
static_assert(serves<partly>("multiply", "multiplies") && serves<partly>("multiply_transposed", "reference", true) &&
              lc::served<partly>.fall_backs == lc::served<partly>.size() - 1);
static_assert(serves<lc::model<shipped, small::multiplies, lc::bf16>>("multiply", "reference"));
// Nothing is too large for it that runs.
using large = lc::decoder<lc::vocabulary<32000>, lc::width<4096>, lc::context<2048>,
                          lc::repeat<32, lc::pre_norm<lc::rms_norm<>,
                                                      lc::attention<lc::heads<32>, lc::rope<>, lc::causal>,
                                                      lc::ffn<lc::hidden<11008>, lc::gated<lc::silu>>>>,
                          lc::linear_head<>>;
static_assert(serves<lc::model<large>>("attend", "reference"));

/// A part that runs in no constant expression has no constants of this kind.
template <class Norm>
using with_norm = lc::model<lc::substitute<recipes::llama, lc::rms_norm<>, Norm>, small::multiplies, lc::training>;
static_assert(lc::detail::SurveyIsConstant<with_norm<lc::rms_norm<>>>);
static_assert(!lc::detail::SurveyIsConstant<with_norm<small::norm_of_run_time>>);

/// What a function writes on standard output.
template <class Function>
std::string printed(Function&& function) {
  std::fflush(stdout);
  std::FILE* const file = std::tmpfile();
  const int terminal = dup(STDOUT_FILENO);
  REQUIRE(file != nullptr);
  REQUIRE(dup2(fileno(file), STDOUT_FILENO) >= 0);
  function();
  std::fflush(stdout);
  REQUIRE(dup2(terminal, STDOUT_FILENO) >= 0);
  close(terminal);
  std::rewind(file);
  std::string text;
  for (int byte; (byte = std::fgetc(file)) != EOF;) text += static_cast<char>(byte);
  std::fclose(file);
  return text;
}
/// The lines of a report about operations, from constants.
template <class Model>
std::string lines_of_operations() {
  std::string text;
  for (const auto& row : lc::served<Model>) {
    std::string line = row.operation;
    line.resize(line.size() < 33 ? 34 : line.size() + 1, ' ');
    text += line + "runs on " + row.backend + (row.in_backward ? ", in backward" : "");
    if (row.falls_back)
      text += std::string(" (") + Model::backend_type::name.c_str() + " has no kernel for its arguments)";
    text += '\n';
  }
  return text;
}

/// The constants of a model are what a watcher sees where everything runs, backward included; and what another watcher
/// sees of the model's own forward.
template <class Recipe, class... Options>
void constants_are_what_runs() {
  using model_type = lc::model<Recipe, Options...>;
  using backend = typename model_type::backend_type;
  constexpr const auto& table = lc::served<model_type>;
  static_assert(table.size() > 0);
  auto all = std::make_unique<lc::detail::whole_survey<model_type>>();
  model_type::bound::initialise(all->weights.parameters);
  model_type::bound::refresh(all->weights.parameters, all->weights.derived);
  all->data.shared.build();
  lc::detail::operations_seen<backend> seen;
  lc::detail::follow_pass<model_type>(all->weights, all->data, lc::watched{backend{}, seen}, seen);
  REQUIRE(seen.count == table.size());
  lc::extent_t forward = 0;
  for (lc::extent_t i = 0; i < table.size(); ++i) {
    CHECK(std::string_view(seen.rows[i].operation) == table[i].operation);
    CHECK(std::string_view(seen.rows[i].backend) == table[i].backend);
    CHECK(seen.rows[i].in_backward == table[i].in_backward);
    CHECK(seen.rows[i].falls_back == table[i].falls_back);
    if (!table[i].in_backward) ++forward;
  }
  if constexpr (!model_type::regresses) {
    auto model = std::make_unique<model_type>();
    recipes::assign(*model);
    lc::backend_report report;
    const auto each = [](lc::extent_t, const auto&) {};
    REQUIRE(model->try_forward_watched(lc::watched{model->backend(), report}, {recipes::stream, 19}, each).ok());
    CHECK(report.count == forward);
    for (lc::extent_t i = 0; i < report.count; ++i) {
      CAPTURE(report.lines[i].operation);
      bool found = false;
      for (const auto& row : table)
        found = found || (!row.in_backward && std::string_view(row.operation) == report.lines[i].operation &&
                          std::string_view(row.backend) == report.lines[i].backend);
      CHECK(found);
    }
  }
}

}  // namespace

TEST_CASE("which backend serves an operation is what runs, forward and backward") {
  constants_are_what_runs<recipes::llama, small::multiplies, lc::training>();
  constants_are_what_runs<recipes::active, lc::simd, lc::training>();
  constants_are_what_runs<recipes::mixtures, lc::training>();
  constants_are_what_runs<recipes::recomputed_blocks, lc::training>();
  constants_are_what_runs<recipes::mean_encoding, lc::simd>();
  constants_are_what_runs<recipes::inverted, lc::training>();
}

TEST_CASE("describe prints those constants, and finds out at run time what is none") {
  const auto ends_with = [](const std::string& text, const std::string& end) {
    CAPTURE(text);
    CAPTURE(end);
    CHECK(text.size() > end.size());
    CHECK(text.compare(text.size() - end.size(), end.size(), end) == 0);
  };
  ends_with(printed([] { lc::describe<fast>(); }), lines_of_operations<fast>());
  ends_with(printed([] { lc::describe<partly>(); }), lines_of_operations<partly>());
  CHECK(lines_of_operations<partly>().find("multiplies has no kernel for its arguments") != std::string::npos);
  // The figures before them are constants as well: parameters, and bytes of the model.
  const auto report = printed([] { lc::describe<learning>(); });
  for (const auto& row : lc::tensor_table<shipped>) CHECK(report.find(row.path.c_str()) != std::string::npos);
  for (const auto bytes : {of.bytes_bf16, lc::model_bytes<learning>, lc::gradient_bytes<learning>}) {
    std::string digits = std::to_string(bytes);
    for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    CHECK(report.find(' ' + digits + " bytes\n") != std::string::npos);
  }
  ends_with(printed([] { lc::describe<with_norm<small::norm_of_run_time>>(); }),
            lines_of_operations<with_norm<lc::rms_norm<>>>());
}

TEST_CASE("the table of tensors is the walk over a model's") {
  const lc::model<mixed> model;
  lc::extent_t at = 0, elements = 0;
  lc::visit_named(
      [&](const char* path, const auto& tensor) {
        const auto& row = lc::tensor_table<mixed>[at++];
        CHECK(std::string_view(row.path.c_str()) == path);
        CHECK(row.size == tensor.size);
        elements += row.size;
      },
      model.parameters());
  CHECK(at == lc::figures<mixed>.tensors);
  CHECK(elements == lc::figures<mixed>.parameters);
}
