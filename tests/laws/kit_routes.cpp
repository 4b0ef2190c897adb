// The universal checks (support/attention_kit.hpp) on attentions whose routes are known before the tokens are.
#include "support/attention_kit.hpp"

namespace {
namespace lc = lacuna;
using namespace attention_kit;

}  // namespace

TEST_CASE("causal, grouped heads, rotations") {
  check<lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::head_width<6>, lc::rope<>, lc::causal, lc::bias>, fast>(
      "grouped heads", {.sees = lc::allows<lc::causal>});
}
TEST_CASE("full") {
  check<over<lc::full>, fast>("full", {.causal = false, .ordered = false, .sees = lc::allows<lc::full>});
}
TEST_CASE("sinks and a window, with falling scores") {
  using local = lc::both<lc::causal, lc::either<lc::columns<lc::leading<2>>, lc::window<9>>>;
  check<over<local, lc::alibi>, fast>("sinks and a window", {.sees = lc::allows<local>});
}
TEST_CASE("dilated windows, chunks") {
  using dilated = lc::dilated_window<4, lc::dilation{3}>;
  check<over<dilated>, fast>("dilated", {.causal = false, .sees = lc::allows<dilated>});
  using chunks = lc::both<lc::causal, lc::chunked<8, lc::chunks_before{1}>>;
  check<over<chunks>, fast>("chunks", {.sees = lc::allows<chunks>});
}
TEST_CASE("global rows and columns, random blocks") {
  using global = lc::either<lc::global<lc::listed<0, 21>>, lc::window<6>>;
  check<over<global>, fast>("global", {.causal = false, .sees = lc::allows<global>});
  using big_bird = lc::by_rows<
      lc::edges<8>, lc::full,
      lc::either<lc::either<lc::columns<lc::edges<8>>, lc::block_window<8>>, lc::random_blocks<8, lc::draws{1}>>>;
  check<over<big_bird>, fast>("BigBird", {.causal = false, .sees = lc::allows<big_bird>});
}
TEST_CASE("padding") {
  using others = lc::except<lc::full, lc::columns<lc::listed<20>>>;
  using padded = lc::by_rows<lc::listed<20>, lc::except<lc::full, lc::full>, others>;
  check<over<padded>, fast>("padded", {.causal = false, .sees = lc::allows<padded>});
  attention_kit::attention_rig<over<padded>, double, lc::reference, 16, 50> of;
  attention_kit::attention_rig<over<padded>, float, fast, 16, 50> quick;
  for (attention_kit::any_attention* each :
       {static_cast<attention_kit::any_attention*>(&of), static_cast<attention_kit::any_attention*>(&quick)}) {
    randomise(*each);
    attention_kit::padding_does_not_exist(*each, 20, each == &of ? 0 : 1e-5);
  }
}
