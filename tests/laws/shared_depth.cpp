// Shared depth: one block's weights applied many times, against layers with copied weights.
#include "support/block_rig.hpp"

#include <doctest/doctest.h>
#include <utility>

namespace {
namespace lc = lacuna;

using mixer = lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::causal>;
using neurons = lc::ffn<lc::hidden<5>, lc::gated<lc::silu>>;
using rms = lc::rms_norm<>;
using layer = lc::layer_norm<>;

constexpr lc::extent_t width = 8, tokens = 17;
template <class Block>
using rig = block_rig<Block, double, width>;
template <class Block>
using around = lc::decoder<lc::vocabulary<11>, lc::width<width>, lc::context<20>, Block>;

/// `blocks.<n>.rest`: the number, and the rest.
std::pair<std::size_t, std::string> split(const std::string& path) {
  const std::size_t dot = path.find('.', 7);
  return {std::stoul(path.substr(7, dot - 7)), path.substr(dot)};
}

/// A shared block against a repeat with copied weights; `period` layers are stored.
void compare(any_block<double>& shared, any_block<double>& repeated, bool own, std::size_t period) {
  randomise_by_path(shared.parameters, 21, 0.4);
  // Where a layer's tensor is stored in the shared block.
  const auto home = [&](const std::string& path) {
    if (own && is_norm(path)) return path;
    const auto [number, rest] = split(path);
    return "blocks." + std::to_string(number % period) + rest;
  };
  write_numbers(repeated.parameters, numbers_of(shared.parameters), home);
  const auto found = trace_of(shared, tokens * width), expected = trace_of(repeated, tokens * width);
  CHECK(found.y == expected.y);
  CHECK(found.dx == expected.dx);
  // Gradients of what is shared are the sums of the layers' gradients; each layer's own norms have their own.
  tensor_map sums;
  for (const auto& [path, gradient] : expected.gradients) {
    auto& sum = sums[home(path)];
    sum.resize(gradient.size());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += gradient[i];
  }
  CHECK(sums.size() == found.gradients.size());
  for (const auto& entry : found.gradients) {
    const auto& path = entry.first;
    const auto& gradient = entry.second;
    CAPTURE(path);
    REQUIRE(sums.count(path) == 1);
    if (own && is_norm(path))
      CHECK(gradient == sums.at(path));
    else
      CHECK(difference(gradient, sums.at(path)) <= 1e-12);
  }
  if (shared.parameters.size() == repeated.parameters.size()) {  // one application: the same gradients, bit for bit
    CHECK(found.gradients == expected.gradients);
    CHECK(numbers_of(shared.parameters) == numbers_of(repeated.parameters));
  }
}

template <lc::extent_t Count, lc::extent_t Period, class Block, class Norms = lc::own_norms>
void check_shared() {
  using sharing = rig<lc::shared<Count, Block, Norms>>;
  using plain = rig<lc::repeat<Count, Block>>;
  sharing shared;
  plain repeated;
  compare(shared, repeated, lc::same<Norms, lc::own_norms>, Period);
  CHECK((shared.parameters.size() == repeated.parameters.size()) == (Count == 1));
  static_assert(sharing::bound::layers == plain::bound::layers);
  CHECK(sharing::bound::multiply_adds(2, tokens) == plain::bound::multiply_adds(2, tokens));
  // Every application has a stream of its own: as much state as the layers have.
  using state = typename sharing::bound::template state<lc::shapes<double>>;
  using plain_state = typename plain::bound::template state<lc::shapes<double>>;
  static_assert(lc::count_elements<state>() == lc::count_elements<plain_state>());
}

}  // namespace

TEST_CASE("shared depth is a repeat with copied weights, and its gradients are sums") {
  using pre = lc::pre_norm<rms, mixer, neurons>;
  check_shared<1, 1, pre>();
  check_shared<1, 1, pre, lc::shared_norms>();
  check_shared<3, 1, pre>();
  check_shared<3, 1, pre, lc::shared_norms>();
  check_shared<3, 1, lc::peri_norm<layer, mixer, neurons>>();
  check_shared<2, 1, lc::post_norm<layer, mixer, neurons>>();
  check_shared<2, 1, lc::parallel<rms, mixer, neurons>>();
  check_shared<2, 1, lc::parallel<rms, lc::own_norms, lc::on_output<rms>, mixer, neurons>>();
  // A cycle of different blocks, a group, a block that is skipped.
  check_shared<3, 2, lc::stack<lc::pre_norm<rms, mixer>, lc::output_norm<layer, neurons>>>();
  check_shared<2, 2, lc::repeat<2, lc::pre_norm<rms, neurons>>>();
  check_shared<2, 2, lc::stack<lc::pre_norm<rms, lc::skip>, lc::pre_norm<rms, neurons>>>();
}

TEST_CASE("shared depth stores weights once and norms once per layer, under the layers' numbers") {
  using pre = lc::pre_norm<rms, mixer, neurons>;
  constexpr lc::extent_t weights = width * width + 2 * 4 * width + width * width + 3 * 5 * width;
  static_assert(lc::parameter_count<around<lc::shared<4, pre>>> == 11 * width + weights + 4 * 2 * width + width);
  static_assert(lc::parameter_count<around<lc::shared<4, pre, lc::shared_norms>>> ==
                11 * width + weights + 2 * width + width);
  static_assert(lc::parameter_count<around<lc::repeat<3, lc::shared<4, pre>>>> ==
                11 * width + 3 * (weights + 4 * 2 * width) + width);
  rig<lc::stack<lc::shared<2, lc::peri_norm<rms, neurons>>, lc::pre_norm<rms, neurons>>> block;
  CHECK(paths_of(block.parameters) ==
        "blocks.0.ffn.gate.weight\nblocks.0.ffn.up.weight\nblocks.0.ffn.down.weight\n"
        "blocks.0.ffn_norm.gain\nblocks.0.ffn_output_norm.gain\n"
        "blocks.1.ffn_norm.gain\nblocks.1.ffn_output_norm.gain\n"
        "blocks.2.ffn_norm.gain\nblocks.2.ffn.gate.weight\nblocks.2.ffn.up.weight\nblocks.2.ffn.down.weight\n");
}

namespace {

/// The first logit of a model in which parameters are joined, peri-norm and branches side by side included.
constexpr float first_logit() {
  using block = lc::stack<lc::peri_norm<rms, lc::ffn<lc::hidden<3>, lc::relu>>,
                          lc::parallel<rms, lc::attention<lc::heads<2>, lc::causal>, lc::ffn<lc::hidden<3>, lc::relu>>>;
  using recipe = lc::decoder<lc::vocabulary<3>, lc::width<4>, lc::context<2>, lc::shared<2, block>>;
  lc::model<recipe, lc::in_place, lc::training> model;
  std::uint64_t counter = 0;
  lc::visit_tensors(
      [&](auto& tensor) {
        for (auto& weight : tensor.data) weight += static_cast<float>(lc::random_uniform(1, 2, counter++)) - 0.4f;
      },
      model.parameters_to_write());
  model.update();
  const std::uint32_t stream[]{1, 2};
  return (*model.try_forward_to_learn({stream, 2}))(1, 0);
}
constexpr float at_compile_time = first_logit();

}  // namespace

TEST_CASE("joined parameters at compile time give the same bits as at run time") {
  const auto volatile evaluate = &first_logit;
  CHECK(evaluate() == at_compile_time);
  CHECK(at_compile_time != 0);
}
