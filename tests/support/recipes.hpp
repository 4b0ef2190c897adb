#pragma once
/// Small recipes that between them use every component: for gradients, laws and mutants.

#include <cstdlib>
#include <iterator>
#include <lacuna/lacuna.hpp>
#include <lacuna/zoo/bert.hpp>

namespace recipes {
namespace lc = lacuna;

/// Llama's family: rope, grouped heads, gated feed-forward, RMSNorm, tied head.
using llama = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>,
                               lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>>,
    lc::tied_head>;

/// GPT-2's family: learned positions, LayerNorm, biases, GELU by tanh, own head; a window.
using gpt =
    lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::learned_position,
                lc::repeat<2, lc::pre_norm<lc::layer_norm<>,
                                           lc::attention<lc::heads<2>, lc::both<lc::causal, lc::window<5>>, lc::bias>,
                                           lc::ffn<lc::hidden<12>, lc::gelu_tanh, lc::bias>>>,
                lc::linear_head<lc::bias>>;

/// A mixed stack: post-norm beside pre-norm, two attentions in one block, a block without attention, all other
/// activations, the other pairing of rotary columns, heads of another width, no final norm but the policy's own.
using mixed = lc::decoder<
    lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::post_norm<
        lc::layer_norm<lc::epsilon{1e-3f}>,
        lc::attention<lc::heads<2>, lc::rope<lc::theta{100.f}, lc::rotary_pairs::halves>, lc::full, lc::head_width<4>>,
        lc::ffn<lc::hidden<7>, lc::gelu>>,
    lc::stack<
        lc::repeat<2, lc::pre_norm<lc::no_norm, lc::attention<lc::heads<3>, lc::kv_heads<1>, lc::rope<>, lc::causal>,
                                   lc::attention<lc::heads<2>, lc::window<3>, lc::bias>>>,
        lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<9>, lc::squared_relu>, lc::ffn<lc::hidden<5>, lc::sigmoid>>>,
    lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<10>, lc::relu>>, lc::rms_norm<lc::epsilon{1e-2f}>,
    lc::linear_head<>>;

/// A block of attention alone.
template <class... Policies>
using attention_block = lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, Policies...>>;

/// All normalisers of attention but the softmax.
using normalisers =
    lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, attention_block<lc::causal, lc::softmax1>,
                attention_block<lc::causal, lc::clamped_softmax<lc::score_limit{0.3f}>>,
                attention_block<lc::causal, lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>,
                attention_block<lc::both<lc::causal, lc::window<6>>, lc::l2_gelu<>>,
                attention_block<lc::full, lc::l2_gelu<lc::tau{2.f}>>>;

/// Gates, and the other scores.
using gates = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                          attention_block<lc::causal, lc::sigmoid_gate<>, lc::plain_dot>,
                          attention_block<lc::causal, lc::sigmoid_gate<lc::openness{0.25f}>, lc::dot_by_width>>;
/// All placements of norms, shared depth with and without norms of its own, a skipped sublayer, a norm of the
/// embedding. The last block is normalised already, so that the decoder adds no norm.
using placed_attention = lc::attention<lc::heads<2>, lc::causal>;
using placed_ffn = lc::ffn<lc::hidden<5>, lc::silu>;
using placements = lc::decoder<
    lc::vocabulary<11>, lc::width<6>, lc::context<20>, lc::embedding_norm<lc::rms_norm<>>,
    lc::peri_norm<lc::rms_norm<>, lc::on_output<lc::layer_norm<>>, placed_attention, placed_ffn>,
    lc::shared<2, lc::parallel<lc::layer_norm<>, placed_attention, placed_ffn>>,
    lc::shared<2, lc::output_norm<lc::rms_norm<>, lc::skip, placed_ffn>, lc::shared_norms>,
    lc::parallel<lc::rms_norm<>, lc::own_norms, lc::on_output<lc::rms_norm<>>, placed_attention, placed_ffn>,
    lc::deep_norm<lc::layer_norm<>, lc::residual_scale<lc::deep_alpha{1.5f}>, placed_ffn>>;

/// Adapters behind both kinds of sublayers, one of them gated, and a prefix.
using adapters = lc::decoder<
    lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::repeat<2, lc::pre_norm<lc::layer_norm<>,
                               lc::adapted<lc::attention<lc::heads<3>, lc::rope<>, lc::causal, lc::learned_sinks<2>, lc::bias>,
                                           lc::ffn<lc::hidden<4>, lc::gelu, lc::bias>>,
                               lc::adapted<placed_ffn, lc::ffn<lc::hidden<3>, lc::gated<lc::silu>>>>>>;

/// A block of which nothing is left, before one of which something is.
using skipped = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>, lc::pre_norm<lc::rms_norm<>, lc::skip>,
                            lc::pre_norm<lc::plain_layer_norm<>, lc::skip, placed_ffn>>;
/// Activations with parameters and activations that see whole rows, plain and as gates, in all combinations of kinds.
using rows = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<3>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<7>, lc::poly_relu>, lc::ffn<lc::hidden<9>, lc::poly_norm<>, lc::bias>>,
    lc::pre_norm<lc::rms_norm<>,
        lc::ffn<lc::hidden<8>, lc::gated<lc::poly_norm<lc::epsilon{1e-3f}>>>,
        lc::ffn<lc::hidden<12>, lc::top_k_activation<3, lc::gelu>>,
        lc::ffn<lc::hidden<10>, lc::top_k_activation<4, lc::gated<lc::silu>>>>,
    lc::pre_norm<lc::rms_norm<>,
        lc::ffn<lc::hidden<6>, lc::gated<lc::top_k_activation<2, lc::sigmoid>>>,
        lc::ffn<lc::hidden<5>, lc::top_k_activation<2, lc::gated<lc::poly_relu>>>>>;
/// Neurons and inputs that are left out, by every rule: thresholds, zeros, predictors.
using active = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<2>, lc::causal, lc::thresholded>,
        lc::ffn<lc::hidden<12>, lc::gated<lc::silu>, lc::thresholded, lc::bias>>,
    lc::pre_norm<lc::rms_norm<>,
        lc::ffn<lc::hidden<14>, lc::relu, lc::skips_zeros, lc::bias>,
        lc::ffn<lc::hidden<10>, lc::gated<lc::relu>, lc::predicted<lc::rank<3>>, lc::bias>,
        lc::ffn<lc::hidden<9>, lc::squared_relu, lc::predicted<lc::oracle>>>,
    lc::tied_head>;

/// Weights of eight bits; only their scales have gradients.
using quantized = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::causal, lc::quantized<8>>,
        lc::ffn<lc::hidden<12>, lc::gated<lc::silu>, lc::quantized<8>, lc::bias>>,
    lc::pre_norm<lc::rms_norm<>, lc::ffn<lc::hidden<9>, lc::gelu, lc::quantized<8>>>,
    lc::linear_head<lc::quantized<8>, lc::bias>>;

/// Feature maps in place of scores, causal and full, with grouped heads.
using features = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                             attention_block<lc::causal, lc::favor<6>, lc::rope<>, lc::kv_heads<1>>,
                             attention_block<lc::full, lc::hyperbolic_favor<8, lc::feature_seed{3}>>,
                             attention_block<lc::causal, lc::relu_features>,
                             attention_block<lc::both<lc::causal, lc::window<5>>, lc::hyperbolic_favor<4>, lc::kv_heads<1>>,
                             attention_block<lc::window<4>, lc::relu_features>>;

/// Features with some keys corrected: those of a causal window and of a two-sided one, grouped heads; features that see
/// ahead of a causal route; rows that have no corrected key.
struct every_other_row {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("every_other_row");
  static constexpr lc::spans<1> spans(lc::extent_t query, lc::extent_t) { return {0, query % 2 * (query / 2 + 1)}; }
};
using corrected = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    attention_block<lc::both<lc::causal, lc::window<4>>, lc::difference<lc::favor<6>>, lc::rope<>, lc::kv_heads<1>>,
    attention_block<lc::window<3>, lc::difference<lc::hyperbolic_favor<8, lc::feature_seed{3}>>>,
    attention_block<every_other_row, lc::difference<lc::favor<6>, lc::full>, lc::rope<>>>;

/// Rows of two kinds: on both sides, and of the past alone; positions by rotation and by distance; global rows in one
/// stretch and in several, each with its own lists of inputs; two passes.
template <class Set>
using beside = lc::either<lc::window<3>, lc::columns<Set>>;
using row_classes = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    attention_block<beside<lc::listed<0, 9, 10>>, lc::class_projections<lc::listed<0, 9, 10>>, lc::rope<>,
                    lc::kv_heads<1>, lc::bias>,
    attention_block<lc::both<lc::causal, beside<lc::listed<2, 7>>>, lc::class_projections<lc::listed<2, 7>>, lc::alibi,
                    lc::thresholded>,
    attention_block<lc::window<3>, lc::class_projections<lc::leading<3>>,
                    lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>>;

/// Branches of one attention: folded, with a key of both and two passes; averaged over all and over those that show
/// something, with grouped heads; features beside a window and their signed sum; a branch that the keys decide.
using near_keys = lc::both<lc::causal, lc::window<4>>;
using earlier_keys = lc::except<lc::causal, lc::chunked<5>>;
using branched = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    attention_block<lc::branches<near_keys, earlier_keys>, lc::rope<>, lc::kv_heads<1>>,
    attention_block<lc::branches<lc::window<3>, earlier_keys>, lc::alibi, lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>,
    attention_block<lc::branches<near_keys, earlier_keys>, lc::mean_outputs, lc::rope<>, lc::kv_heads<1>, lc::bias>,
    attention_block<lc::branches<near_keys, earlier_keys>, lc::mean_seen_outputs, lc::softmax1>,
    attention_block<lc::branches<lc::branch<lc::causal, lc::favor<6>>, near_keys, lc::top_k<3>>, lc::mean_outputs,
                    lc::rope<>>,
    attention_block<lc::branches<lc::branch<lc::causal, lc::favor<6>>,
                                 lc::branch<near_keys, lc::difference<lc::favor<6>>>>, lc::rope<>>>;

/// Routes that queries and keys decide: biases, grouped heads, two passes, a window to choose from.
using dynamic = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::allow_selection_leak,
    attention_block<lc::top_k<3>, lc::rope<>, lc::kv_heads<1>>,
    attention_block<lc::top_k<2, lc::window<6>>, lc::alibi>,
    attention_block<lc::top_k<4, lc::full>, lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>,
    attention_block<lc::bi_level<5, lc::kept_regions{2}>, lc::dot_by_width>,
    attention_block<lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 3}>, lc::shared_query_key<>,
                    lc::plain_dot_to_others>>;

/// Clusters of tokens, whose centroids are parameters without gradient.
using clusters = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::allow_selection_leak,
    attention_block<lc::k_means<3>, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot, lc::rope<>>,
    attention_block<lc::k_means<2, lc::window<6>>, lc::alibi, lc::kv_heads<1>>,
    attention_block<lc::balanced_k_means<3, lc::members{9}>, lc::shared_query_key<lc::shared_form::normalised>,
                    lc::plain_dot>,
    attention_block<lc::balanced_k_means<2, lc::members{17}, lc::full, lc::count_offset{0.25f}>, lc::kv_heads<1>,
                    lc::rope<>, lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>>;

/// One projection for queries and keys.
using shared_projections = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    attention_block<lc::causal, lc::shared_query_key<>, lc::plain_dot, lc::rope<>>,
    attention_block<lc::causal, lc::shared_query_key<lc::shared_form::normalised>, lc::plain_dot, lc::rope<>, lc::bias>>;

/// Keys and values that are not tokens: mixed rows, learned ones, spans; with rotations, grouped heads, two passes.
using sources = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    attention_block<lc::full, lc::low_rank<4>, lc::rope<>, lc::kv_heads<1>>,
    attention_block<lc::full, lc::low_rank<3, lc::mixing::together>, lc::softmax1>,
    attention_block<lc::causal, lc::summarised<lc::segments<4>>,
                    lc::rope<lc::theta{}, lc::rotary_pairs::halves, lc::rotary_share{0.5f}>>,
    attention_block<lc::causal, lc::summarised<lc::doubling_blocks>>,
    attention_block<lc::both<lc::causal, lc::window<6>>, lc::learned_sinks<2>, lc::kv_heads<1>,
                    lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>>>;

/// Mixtures of experts: both kinds of gates, one to all experts per token, a capacity that some tokens exceed, losses of
/// their own, experts of several forms.
using mixtures = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>,
        lc::mixture<lc::experts<3>, lc::experts_per_token<1>, lc::hidden<5>, lc::relu, lc::capacity<lc::factor{0.75f}>,
                    lc::balance_loss<lc::loss_weight{0.5f}>, lc::z_loss<lc::loss_weight{0.25f}>>>,
    lc::pre_norm<lc::layer_norm<>,
        lc::mixture<lc::experts<4>, lc::experts_per_token<2>, lc::hidden<4>, lc::gated<lc::silu>, lc::bias,
                    lc::renormalised_gates, lc::balance_loss<lc::loss_weight{0.5f}>>,
        lc::mixture<lc::experts<2>, lc::experts_per_token<2>, lc::hidden<5>, lc::poly_relu>>,
    lc::linear_head<>>;

/// Maps made of tokens, in attention and in feed-forwards, with a tau of their own and with biases. There are enough
/// tokens that no row of scores is near 0, where the map bends more than differences can follow.
using maps_of_tokens = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::pre_norm<lc::plain_layer_norm<>,
        lc::attention<lc::heads<3>, lc::kv_heads<1>, lc::rope<>, lc::causal, lc::parameter_tokens<9>>,
        lc::ffn<lc::hidden<10>, lc::gated<lc::silu>, lc::parameter_tokens<8>>>,
    lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<2>, lc::full, lc::parameter_tokens<12, lc::tau{1.5}>, lc::bias>,
        lc::ffn<lc::hidden<9>, lc::gelu_tanh, lc::parameter_tokens<>>, lc::pattention<>>>;

/// Values of near tokens added to what attention mixed: with and without a bias, over scores, regions and features.
using enhanced = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
                             attention_block<lc::causal, lc::local_enhancement<5>>,
                             attention_block<lc::bi_level<5, lc::kept_regions{2}>, lc::dot_by_width,
                                             lc::local_enhancement<3, lc::no_bias>, lc::rope<>>,
                             attention_block<lc::causal, lc::relu_features, lc::local_enhancement<1>>>;

/// Tokens of a stream that fills most of a context of 20 and ends inside a group and a block.
inline constexpr std::uint32_t stream[19]{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 10, 4};

/// Attention along the edges of a graph, with and without features of the edges, some scores clamped; nodes with
/// positions.
using graphs = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::laplacian_position<2>,
    attention_block<lc::neighbours<90>, lc::clamped_softmax<lc::score_limit{0.3f}>>,
    attention_block<lc::neighbours<90>, lc::edge_modulated<3>, lc::clamped_softmax<lc::score_limit{0.3f}>,
                    lc::kv_heads<1>>,
    attention_block<lc::neighbours<90>, lc::edge_modulated<3>, lc::softmax1, lc::rope<>>>;

/// Several sequences in one stream: positions at projections and at the embedding, a route that sees ahead and one
/// that does not.
using packed_sequences = lc::packed<
    lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::learned_position,
                attention_block<lc::causal, lc::rope<>, lc::kv_heads<1>>, attention_block<lc::window<3>, lc::alibi>>,
    lc::sequences<3>>;
/// Encoders with each pooling.
template <class Pooling>
using encoding =
    lc::encoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>, lc::learned_position, lc::token_types<3>,
                lc::embedding_norm<lc::layer_norm<>>, lc::sequences<3>, Pooling,
                lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full, lc::bias>, placed_ffn>>;
using mean_encoding = encoding<lc::mean_pooling>;
using first_encoding = encoding<lc::first_token>;
using learned_encoding = encoding<lc::sequence_pooling>;

/// BERT's family, as zoo::bert_encoder has it, with three kinds of tokens.
using bert_norm = lc::layer_norm<lc::zoo::bert_epsilon>;
using bert = lc::encoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::learned_position, lc::token_types<3>,
                         lc::embedding_norm<bert_norm>, lc::sequences<3>, lc::mean_pooling,
                         lc::repeat<2, lc::post_norm<bert_norm, lc::attention<lc::heads<2>, lc::full, lc::bias>,
                                                     lc::ffn<lc::hidden<12>, lc::gelu, lc::bias>>>>;

/// Taps behind blocks of every kind, an empty one among them, and behind activations: plain, gated, with parameters, in
/// experts. Losses send gradients into all of them: see gradient_check.hpp.
using tapped_rows = lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
    lc::tapped<lc::pre_norm<lc::rms_norm<>, lc::skip>>,
    lc::shared<2, lc::tapped<lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::causal>,
                                          lc::ffn<lc::hidden<5>, lc::tapped_activation<lc::silu>>>>>,
    lc::tapped<lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
        lc::ffn<lc::hidden<5>, lc::gated<lc::tapped_activation<lc::gelu>>>>>>,
    lc::tapped<lc::parallel<lc::rms_norm<>, lc::ffn<lc::hidden<4>, lc::tapped_activation<lc::poly_relu>>,
        lc::mixture<lc::experts<2>, lc::experts_per_token<1>, lc::hidden<4>, lc::tapped_activation<lc::silu>>>>>;

/// Blocks whose backward runs their forward again: equal ones in one room, a group of two, one within a group.
template <class... Sublayers>
using recomputed_block = lc::recomputed<lc::pre_norm<lc::rms_norm<>, Sublayers...>>;
using recomputed_blocks =
    lc::decoder<lc::vocabulary<11>, lc::width<6>, lc::context<20>,
                lc::repeat<3, recomputed_block<lc::attention<lc::heads<3>, lc::rope<>, lc::causal>, placed_ffn>>,
                lc::recomputed<lc::repeat<2, lc::parallel<lc::layer_norm<>, placed_attention, placed_ffn>>>,
                lc::recomputed<lc::stack<recomputed_block<placed_ffn>, lc::pre_norm<lc::rms_norm<>, placed_ffn>>>>;

/// Of the sequences of the stream.
inline constexpr std::uint32_t lengths[]{7, 1, 11};

/// Gives a model what it reads beside the stream: a graph, where some nodes listen to themselves, one to nobody, and
/// positions; the lengths of sequences; kinds of tokens.
template <class Model>
void assign(Model& model) {
  if constexpr (Model::template reads<lc::graph<3, double>>) {
    lc::edge edges[90];
    double numbers[3 * 90];
    lc::extent_t count = 0;
    for (std::uint32_t target = 0; target < 19; ++target)
      for (std::uint32_t source = 0; source < 19; ++source)
        if (target != 4 && lc::random_uniform(11, target, source) < 0.2 && count < 90) edges[count++] = {target, source};
    for (lc::extent_t i = 0; i < 3 * count; ++i) numbers[i] = lc::random_normal(12, 0, i);
    if (!model.try_assign(lc::graph<3, double>{19, edges, count, numbers}).ok()) std::abort();
  }
  if constexpr (Model::template reads<lc::node_positions<2, double>>) {
    lc::tensor<double, 19, 2> positions;
    for (lc::extent_t i = 0; i < positions.size; ++i) positions[i] = lc::random_normal(13, 0, i);
    if (!model.try_assign(lc::node_positions<2, double>(positions.view())).ok()) std::abort();
  }
  if constexpr (Model::template reads<lc::sequence_lengths>) {
    if (!model.try_assign(lc::sequence_lengths{lengths, 3}).ok()) std::abort();
  }
  if constexpr (Model::template reads<lc::token_type_view>) {
    std::uint32_t kinds[19]{};
    for (std::uint32_t t = 4; t < 12; ++t) kinds[t] = t % 3;
    if (!model.try_assign(lc::token_type_view{kinds, 19}).ok()) std::abort();
  }
}

/// A regressor of three series and a covariate: inverted tokens, instance norm, post-norm blocks with biases.
template <class... Parts>
using small_regressor =
    lc::regressor<lc::variates<3>, lc::covariates<1>, lc::lookback<10>, lc::horizon<5>, lc::width<8>,
                  lc::repeat<2, lc::post_norm<lc::layer_norm<>, lc::attention<lc::heads<2>, lc::full, lc::bias>,
                                              lc::ffn<lc::hidden<12>, lc::gelu, lc::bias>>>,
                  lc::layer_norm<>, Parts...>;
using inverted = small_regressor<>;
/// The same with what else an input may have: series as they are, positions and a norm of the embedding, no biases,
/// weights in other formats.
using inverted_plain = small_regressor<lc::no_instance_norm, lc::inverted_tokens<lc::low_rank_weight<3>, lc::no_bias>,
                                       lc::learned_position, lc::embedding_norm<lc::rms_norm<>>, lc::linear_head<>>;

/// Masks: for good, and one that comes slowly.
using masked = lc::decoder<
    lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    lc::pre_norm<lc::rms_norm<>,
                 lc::attention<lc::heads<2>, lc::rope<>, lc::causal, lc::masked<lc::csr<lc::density{0.5}>>>,
                 lc::ffn<lc::hidden<12>, lc::gelu, lc::masked<lc::n_m<2, 4>, lc::decaying<>>, lc::bias>>>;

/// What a model is given: the stream.
template <class Model, class = void>
struct input {
  static constexpr lc::extent_t most_results = std::size(stream);
  static lc::token_view view() { return {stream, std::size(stream)}; }
};
/// Or a window, whose series differ in level and size.
template <class Model>
struct input<Model, std::enable_if_t<Model::regresses>> {
  using bound = typename Model::bound;
  static constexpr lc::extent_t most_results = bound::horizon;
  lc::tensor<typename Model::value, bound::lookback, bound::series> numbers;
  input() {
    for (lc::extent_t i = 0; i < numbers.size; ++i) {
      const double series = static_cast<double>(i % bound::series);
      numbers[i] = static_cast<typename Model::value>(2 - series + (1 + 0.5 * series) * lc::random_normal(14, 0, i));
    }
  }
  auto view() const { return numbers.view(); }
};

/// What `randomise` does to a tensor. Not a lambda: the walks over parts that several models share are compiled once.
struct randomises {
  std::uint64_t seed;
  double spread;
  std::uint64_t counter = 0;

  template <class Leaf>
  void operator()(Leaf& tensor) {
    using element = typename Leaf::element;
    if constexpr (lc::is_integer<element>) {
      if constexpr (!lc::is_pattern<element>)
        for (auto& of : tensor.data) of = static_cast<element>(1.5 * lc::random_normal(seed, 1, counter++));
    } else {
      for (auto& of : tensor.data) {
        const double moved = static_cast<double>(lc::widen(of)) + spread * lc::random_normal(seed, 1, counter++);
        of = static_cast<element>(static_cast<lc::compute_t<element>>(moved));
      }
    }
  }
};

/// Adds normal values of the given spread to every parameter; gains start at 1. Quantised weights become small integers,
/// masks keep what is largest, and those that decay multiply the rest.
template <class Model>
void randomise(Model& model, std::uint64_t seed, double spread) {
  lc::visit_tensors(randomises{seed, spread}, model.parameters_to_write());
  model.update();
  constexpr auto masks = lc::detail::masked_weights<typename Model::bound>;
  if constexpr (masks.count > 0) (void)lc::try_choose_masks(model);
  if constexpr (masks.decaying > 0) (void)lc::try_decay_masks(model, 0.3);
}

}  // namespace recipes
