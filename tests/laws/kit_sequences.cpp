// The universal check of several sequences in one stream (support/attention_kit.hpp, T9), and that the schedules of one
// composition agree (T7).
#include "support/attention_kit.hpp"

namespace {
namespace lc = lacuna;
using namespace attention_kit;

constexpr lc::extent_t width = 16, tokens = 50;
template <class Attention, class Value = double, class Backend = lc::reference, class Inputs = tokens_alone>
using rig = attention_rig<Attention, Value, Backend, width, tokens, Inputs>;

template <class Attention, class Value = double, class Backend = lc::reference>
void told_apart(const char* name, double tolerance = 1e-12) {
  INFO(std::string(name));
  rig<lc::packed<Attention, lc::sequences<3>>, Value, Backend, three_sequences> packed;
  rig<Attention, Value, Backend> alone;
  sequences_are_told_apart(packed, alone, tolerance);
}
template <class Left, class Right>
void agree(const char* name) {
  INFO(std::string(name));
  rig<Left> left;
  rig<Right> right;
  // They are two schedules, not one twice.
  CHECK(std::string(rig<Left>::bound::schedule_type::chosen.why) != rig<Right>::bound::schedule_type::chosen.why);
  schedules_agree(left, right);
}
using near = lc::both<lc::causal, lc::window<6>>;
using earlier = lc::except<lc::causal, lc::chunked<8>>;

}  // namespace

TEST_CASE("sequences are told apart whatever rows see of their own") {
  told_apart<lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::bias>>("grouped heads");
  told_apart<over<lc::full>>("full");
  told_apart<over<lc::both<lc::causal, lc::either<lc::columns<lc::leading<2>>, lc::window<9>>>, lc::alibi>>("sinks");
  told_apart<over<lc::dilated_window<4, lc::dilation{3}>>>("dilated");
  told_apart<over<lc::both<lc::causal, lc::chunked<8, lc::chunks_before{1}>>, lc::rope<>>>("chunks");
  told_apart<over<lc::either<lc::global<lc::listed<0, 21>>, lc::window<6>>>>("global");
  using big_bird = lc::by_rows<
      lc::edges<8>, lc::full,
      lc::either<lc::either<lc::columns<lc::edges<8>>, lc::block_window<8>>, lc::random_blocks<8, lc::draws{1}>>>;
  told_apart<over<big_bird>>("BigBird");
}
TEST_CASE("sequences are told apart whatever a row makes of its scores") {
  told_apart<over<lc::causal, lc::softmax1, lc::sigmoid_gate<>>>("softmax1, gate");
  told_apart<over<lc::full, lc::clamped_softmax<lc::score_limit{0.6f}>>>("clamped");
  told_apart<over<lc::full, lc::clipped_softmax<lc::stretch{-0.01f, 1.0f}>>>("clipped");
  told_apart<over<lc::causal, lc::l2_gelu<>>>("l2_gelu");
  told_apart<over<lc::causal, lc::shared_query_key<>, lc::plain_dot_to_others, lc::rope<>>>("shared");
  told_apart<over<lc::causal, lc::parameter_tokens<10>>>("parameter_tokens");
}
TEST_CASE("sequences are told apart in branches, and by lanes") {
  told_apart<over<lc::branches<near, earlier>, lc::rope<>>>("fold");
  told_apart<over<lc::branches<near, earlier>, lc::mean_outputs, lc::rope<>>>("mean_outputs");
  told_apart<over<lc::branches<near, earlier>, lc::mean_seen_outputs>>("mean_seen_outputs");
  told_apart<lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal, lc::bias>, float, fast>(
      "grouped heads by lanes", 1e-5);
  told_apart<over<lc::branches<near, earlier>, lc::mean_seen_outputs>, float, fast>("branches by lanes", 1e-5);
}

TEST_CASE("schedules of one composition agree, forward and backward") {
  using all_so_far = lc::both<lc::causal, lc::window<64>>;
  agree<over<lc::causal, lc::favor<12>>, over<all_so_far, lc::favor<12>>>("state_scan, feature_pairs");
  agree<over<lc::full, lc::relu_features>, over<lc::window<64>, lc::relu_features>>("state_scan, feature_pairs, ahead");
  agree<over<lc::causal>, over<lc::top_k<64>>>("planned_tiles, planned_by_head");
  agree<over<lc::causal>, over<lc::causal, lc::difference<lc::favor<12>>>>("planned_tiles, corrected_scan");
  agree<over<lc::causal, lc::rope<>>, over<lc::branches<lc::causal, lc::causal>, lc::mean_outputs, lc::rope<>>>(
      "planned_tiles, mean_of_branches");
  agree<over<lc::causal>, over<lc::balanced_k_means<1, lc::members{64}>>>("planned_tiles, clustered");
  agree<over<lc::causal, lc::rope<>>, over<lc::causal, lc::summarised<lc::segments<64>>, lc::rope<>>>(
      "planned_tiles, planned_sources");
}
