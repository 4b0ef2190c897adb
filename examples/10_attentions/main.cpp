// One trained model, other attentions: each line is the shipped model with one policy substituted, its weights
// untouched. What it computes, what it keeps of a stream, and what that costs on text it has never seen.
//   10_attentions [PIECES]     pieces of 256 characters to average over, 8 if not given
#include "../support/options.hpp"
#include "../support/shipped_text.hpp"

namespace {
namespace lc = lacuna;
using examples::fast;

/// Attention's share of the multiply-adds, as the operations report them.
struct attention_work {
  std::uint64_t multiply_adds = 0;
  template <class Operation, class Backend, class... Arguments>
  constexpr void after(Operation, lc::ran_on<Backend>, const Arguments&... arguments) {
    if constexpr (lc::same<Operation, lc::operation::attend> || lc::same<Operation, lc::operation::select>)
      multiply_adds += Operation::multiply_adds(arguments...);
  }
};

double dense_work = 0;

template <class Recipe>
void measure(const char* what, const examples::shipped_text& text, lc::extent_t pieces) {
  lc::model<Recipe, fast, lc::chunk<Recipe::bound::sees_ahead ? Recipe::context : 16>> model;
  examples::unless_wrong(lc::try_load_into(model, text.checkpoint));
  attention_work work;
  const double loss = examples::held_out_loss(model, text, pieces, work);
  if (dense_work == 0) dense_work = static_cast<double>(work.multiply_adds);
  std::printf("%-44s %7.3f %8.1f %% %10zu\n", what, loss, 100 * static_cast<double>(work.multiply_adds) / dense_work,
              lc::state_bytes<Recipe, lc::f32>);
}

using shipped = lc::zoo::shipped;
template <class Route>
using routed = lc::substitute<shipped, lc::causal, Route>;
template <class Normaliser>
using normalised = lc::substitute<shipped, lc::softmax, Normaliser>;
template <class... Parts>
using past = lc::both<lc::causal, lc::either<Parts...>>;
using sinks = lc::columns<lc::leading<4>>;

}  // namespace

int main(int count, char** arguments) {
  if (count > 2) examples::stop("usage: 10_attentions [PIECES from 1 to 400]");
  const double pieces = count == 2 ? examples::number_in(arguments[1], "10_attentions", "PIECES", 1, 400) : 8;
  const examples::shipped_text text;
  const auto run = [&]<class Recipe>(lc::type_list<Recipe>, const char* what) {
    measure<Recipe>(what, text, static_cast<lc::extent_t>(pieces));
  };
  std::printf("%-44s %7s %10s %10s\n", "attention", "loss", "work", "state");
  run(lc::type_list<shipped>{}, "causal, as trained");

  std::puts("\nroutes: which keys a row sees");
  run(lc::type_list<routed<lc::both<lc::causal, lc::window<64>>>>{}, "window of 64");
  run(lc::type_list<routed<lc::both<lc::causal, lc::window<16>>>>{}, "window of 16");
  run(lc::type_list<routed<past<sinks, lc::window<16>>>>{}, "window of 16, four sinks");
  run(lc::type_list<routed<lc::both<lc::causal, lc::dilated_window<16, lc::dilation{4}>>>>{},
      "every fourth of 64");

  std::puts("\nroutes that queries and keys decide");
  run(lc::type_list<routed<lc::top_k<4>>>{}, "the 4 best keys");

  std::puts("\ncaches: what a stream keeps");
  run(lc::type_list<lc::substitute<routed<past<sinks, lc::window<64>>>, lc::linear_cache,
                                   lc::ring_cache<64, lc::pinned{4}>>>{},
      "window of 64, four sinks, in a ring");

  std::puts("\nnormalisers: how scores become weights");
  run(lc::type_list<normalised<lc::softmax1>>{}, "softmax1: a row may fall silent");
  run(lc::type_list<normalised<lc::clipped_softmax<lc::stretch{-0.02f, 1.0f}>>>{}, "clipped: exact zeros");
}
