// What `describe` prints of a recipe is a constant, and the same everywhere.
#include <lacuna/lacuna.hpp>

#include <doctest/doctest.h>
#include <string_view>

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

}  // namespace

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
