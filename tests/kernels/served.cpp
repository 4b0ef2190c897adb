// What the vectorised backends leave to the reference, over recipes with every part of the library: exactly what
// docs/explain/coverage.md says.
#if __has_include(<xsimd/xsimd.hpp>) && __has_include(<Eigen/Core>)
#include "support/eigen_without_heap.hpp"
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <fstream>
#include <lacuna/with_eigen.hpp>
#include <lacuna/with_simd.hpp>
#include <set>
#include <sstream>
#include <string>

namespace {
namespace lc = lacuna;
using names = std::set<std::string>;

/// Operations of one recipe that fall back, forward and backward.
template <class Recipe, class Backend>
void add_fall_backs(names& to) {
  constexpr const auto& all = lc::served<lc::model<Recipe, lc::training, Backend>>;
  static_assert(all.size() > 5);
  for (const lc::served_operation& of : all)
    if (of.falls_back) to.insert(of.operation);
}
template <class Backend, class... Recipes>
names fall_backs() {
  names all;
  (add_fall_backs<Recipes, Backend>(all), ...);
  return all;
}
/// What a feed-forward of twelve neurons is stored in.
template <class Format>
using stored = lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<12>, lc::relu, Format>>;
/// Weights that are composed of others; sublayers of which some outputs are left out.
using composed =
    lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, stored<lc::csr<lc::density{0.5}>>,
                stored<lc::n_m<2, 4>>, stored<lc::blocked<4, 1, lc::density{0.5}>>, stored<lc::monarch<4>>,
                stored<lc::sum<lc::dense, lc::low_rank_weight<3>>>, stored<lc::tiled<lc::grid<2, 2>, lc::dense>>,
                lc::pre_norm<lc::rms_norm<>, lc::dropout<lc::ffn<lc::hidden<12>, lc::relu>, lc::probability{0.1f}>>>;

template <class Backend>
names of_all_recipes() {
  return fall_backs<Backend, recipes::llama, recipes::gpt, recipes::normalisers, recipes::gates, recipes::placements,
                    recipes::rows, recipes::active, recipes::features, recipes::corrected, recipes::row_classes,
                    recipes::branched, recipes::dynamic, recipes::clusters, recipes::sources, recipes::mixtures,
                    recipes::maps_of_tokens, recipes::enhanced, recipes::masked, recipes::quantized, composed>();
}
std::string listed(const names& of) {
  std::string all;
  for (const auto& name : of) all += name + ' ';
  return all;
}

}  // namespace

TEST_CASE("what simd leaves to the reference") {
  CHECK(
      listed(of_all_recipes<lc::simd>()) ==
      "accumulate_some_inputs add_columns choose_experts_backward copy_columns multiply reorder reorder_backward "
      "select ");
  // What has no part of that is served whole.
  CHECK(listed(fall_backs<lc::simd, recipes::llama, recipes::gpt, recipes::placements, recipes::corrected,
                          recipes::branched, recipes::sources, recipes::maps_of_tokens, recipes::masked>()) == "");
}
TEST_CASE("what eigen leaves to the reference") {
  CHECK(
      listed(of_all_recipes<lc::eigen>()) ==
      "accumulate_diagonal accumulate_scales accumulate_some_inputs accumulate_some_outputs add_columns "
      "choose_experts_backward copy_columns drop find_active mix_rows mix_rows_backward multiply_diagonal "
      "multiply_diagonal_transposed multiply_quantized multiply_quantized_transposed multiply_some_inputs "
      "multiply_some_inputs_transposed multiply_some_outputs multiply_some_outputs_transposed reorder reorder_backward "
      "select summarise summarise_backward ");
}
TEST_CASE("the page on coverage names them") {
  std::ifstream file(LACUNA_REPOSITORY "/docs/explain/coverage.md");
  std::stringstream page;
  page << file.rdbuf();
  REQUIRE(page.str().size() > 1000);
  names all = of_all_recipes<lc::simd>();
  all.merge(of_all_recipes<lc::eigen>());
  for (std::string name : all) {
    for (const std::string& part : {std::string("_backward"), std::string("_transposed")})
      if (name.size() > part.size() && name.ends_with(part) && name != "choose_experts_backward")
        name.resize(name.size() - part.size());
    INFO(name);
    CHECK(page.str().find('`' + name + '`') != std::string::npos);
  }
}
#endif
