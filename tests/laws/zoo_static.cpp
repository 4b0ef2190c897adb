// Attentions whose routes are known before the tokens are, against independent implementations:
// tests/reference/attention.
#include "support/reference_cases.hpp"

namespace {
namespace lc = lacuna;
using namespace reference_cases;
namespace zoo = lacuna::zoo;

template <lc::extent_t Heads, class... Policies>
using heads_of = lc::attention<lc::heads<Heads>, Policies...>;

/// BigBird with the random blocks that the file lists.
template <lc::extent_t Tokens, lc::extent_t Block, lc::extent_t Count>
struct listed_blocks {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("listed_blocks");
  static constexpr bool sees_ahead = true;
  static inline lc::extent_t of[Tokens / Block][Count];
  static lc::spans<Count> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<Count> seen;
    for (const lc::extent_t block : of[query / Block])
      if (block * Block < Tokens) seen.add(block * Block, block * Block + Block);
    return seen;
  }
  static void read(const numbers& from) {
    REQUIRE(from.of.size() == Tokens / Block * Count);
    for (lc::extent_t b = 0; b < Tokens / Block; ++b) {
      for (lc::extent_t i = 0; i < Count; ++i) {
        const double listed = from.of[b * Count + i];
        of[b][i] = listed < 0 ? Tokens : static_cast<lc::extent_t>(listed);
      }
      std::sort(std::begin(of[b]), std::end(of[b]));
    }
  }
};

}  // namespace

TEST_CASE("multi-head, grouped heads, alibi") {
  auto cases = read_cases("multi_head");
  check_case<zoo::multi_head_attention<3, lc::causal>, 24, 21>(cases["multi_head_21"], "y");
  check_case<zoo::multi_head_attention<4, lc::causal>, 32, 33>(cases["multi_head_33"], "y");
  cases = read_cases("grouped_query");
  using halves = lc::rope<lc::theta{}, lc::rotary_pairs::halves>;
  check_case<zoo::grouped_query_attention<3, 1, lc::causal, lc::rope<>>, 24, 21>(cases["grouped_query_21"], "y");
  check_case<zoo::grouped_query_attention<3, 1, lc::causal, halves>, 24, 21>(cases["grouped_query_21"], "y.halves");
  check_case<zoo::grouped_query_attention<4, 2, lc::causal, lc::rope<>>, 32, 40>(cases["grouped_query_40"], "y");
  check_case<zoo::grouped_query_attention<4, 2, lc::causal, halves>, 32, 40>(cases["grouped_query_40"], "y.halves");
  cases = read_cases("alibi");
  check_case<heads_of<3, lc::causal, lc::alibi>, 24, 21>(cases["alibi_21"], "y");
  check_case<heads_of<3, lc::full, lc::alibi>, 24, 21>(cases["alibi_21"], "y.full");
  check_case<heads_of<4, lc::causal, lc::alibi>, 24, 27>(cases["alibi_27"], "y");
  check_case<heads_of<4, lc::full, lc::alibi>, 24, 27>(cases["alibi_27"], "y.full");
}

TEST_CASE("windows, chunks, blocks") {
  auto cases = read_cases("masformer");
  check_case<zoo::masformer_attention<3, 4>, 24, 21>(cases["masformer_21"], "y");
  check_case<zoo::masformer_attention<2, 8>, 16, 40>(cases["masformer_40"], "y");
  cases = read_cases("dilated_window");
  using three_by_two = lc::dilated_window<4, lc::dilation{2}>;
  using four_by_three = lc::dilated_window<5, lc::dilation{3}>;
  check_case<heads_of<3, three_by_two>, 24, 21>(cases["dilated_window_21"], "y");
  check_case<heads_of<3, lc::both<lc::causal, three_by_two>>, 24, 21>(cases["dilated_window_21"], "y.causal");
  check_case<heads_of<2, four_by_three>, 16, 40>(cases["dilated_window_40"], "y");
  check_case<heads_of<2, lc::both<lc::causal, four_by_three>>, 16, 40>(cases["dilated_window_40"], "y.causal");
  cases = read_cases("bigbird");
  using blocks_of_4 = listed_blocks<48, 4, 2>;
  using blocks_of_8 = listed_blocks<48, 8, 1>;
  blocks_of_4::read(cases["bigbird_4"].tensor("random_blocks"));
  blocks_of_8::read(cases["bigbird_8"].tensor("random_blocks"));
  check_case<zoo::bigbird_attention<3, 4, blocks_of_4>, 24, 48>(cases["bigbird_4"], "y");
  check_case<zoo::bigbird_attention<2, 8, blocks_of_8>, 16, 48>(cases["bigbird_8"], "y");
}

TEST_CASE("sinks in a window, and softmax1") {
  auto cases = read_cases("sinks");
  using lc::causal;
  check_case<heads_of<3, lc::both<causal, lc::either<lc::columns<lc::leading<2>>, lc::window<5>>>>, 24, 21>(
      cases["sinks_21"], "y.window");
  check_case<heads_of<2, lc::kv_heads<1>, lc::both<causal, lc::either<lc::columns<lc::leading<4>>, lc::window<9>>>>, 16,
             33>(cases["sinks_33"], "y.window");
  check_case<zoo::streaming_attention<3, 5, 2>, 24, 21>(cases["sinks_21"], "y.window");
  check_case<zoo::streaming_attention<2, 9, 4, lc::kv_heads<1>>, 16, 33>(cases["sinks_33"], "y.window");
  check_case<heads_of<3, causal, lc::softmax1>, 24, 21>(cases["sinks_21"], "y.softmax1");
  check_case<heads_of<2, lc::kv_heads<1>, causal, lc::softmax1>, 16, 33>(cases["sinks_33"], "y.softmax1");
}

TEST_CASE("clipped softmax, l2_gelu, gates") {
  auto cases = read_cases("clipped_softmax");
  constexpr lc::stretch wide{-0.03f, 1.1f};
  check_case<zoo::clipped_attention<3>, 24, 21>(cases["clipped_softmax_21"], "y", settings_in_f32);
  check_case<zoo::clipped_attention<3, lc::causal>, 24, 21>(cases["clipped_softmax_21"], "y.causal", settings_in_f32);
  check_case<zoo::clipped_attention<2, lc::full, wide>, 16, 40>(cases["clipped_softmax_40"], "y", settings_in_f32);
  check_case<zoo::clipped_attention<2, lc::causal, wide>, 16, 40>(cases["clipped_softmax_40"], "y.causal",
                                                                  settings_in_f32);
  cases = read_cases("l2_gelu");
  check_case<heads_of<3, lc::full, lc::l2_gelu<>>, 24, 21>(cases["l2_gelu_21"], "y", settings_in_f32);
  check_case<heads_of<3, lc::causal, lc::l2_gelu<lc::tau{4.582576f}>>, 24, 21>(cases["l2_gelu_21"], "y.causal",
                                                                               settings_in_f32);
  check_case<heads_of<2, lc::full, lc::l2_gelu<>>, 16, 40>(cases["l2_gelu_40"], "y", settings_in_f32);
  check_case<heads_of<2, lc::causal, lc::l2_gelu<lc::tau{6.324555f}>>, 16, 40>(cases["l2_gelu_40"], "y.causal",
                                                                               settings_in_f32);
  cases = read_cases("sigmoid_gate");
  // The gate of the file reads the head's slice of x: the other weights are 0.
  const auto load = [](auto& attention, const one_case& from) {
    lc::visit_named(
        [&](const char* path, auto& to) {
          using tensor = std::remove_reference_t<decltype(to)>;
          const numbers& of = from.tensor(path);
          if (std::strcmp(path, "gate.weight") != 0) return attention.copy(of, to);
          const lc::extent_t heads = of.extents[0], slice = of.extents[1], width = heads * slice;
          REQUIRE(tensor::size == heads * width);
          for (lc::extent_t h = 0; h < heads; ++h)
            for (lc::extent_t d = 0; d < slice; ++d)
              to[h * width + h * slice + d] = static_cast<typename tensor::element>(of.of[h * slice + d]);
        },
        attention.parameters);
  };
  check_case<zoo::gated_attention<3, lc::full>, 24, 21>(cases["sigmoid_gate_21"], "y", settings_in_f64, load);
  check_case<zoo::gated_attention<3, lc::causal>, 24, 21>(cases["sigmoid_gate_21"], "y.causal", settings_in_f64, load);
  check_case<zoo::gated_attention<2, lc::full>, 16, 40>(cases["sigmoid_gate_40"], "y", settings_in_f64, load);
  check_case<zoo::gated_attention<2, lc::causal>, 16, 40>(cases["sigmoid_gate_40"], "y.causal", settings_in_f64, load);
}
