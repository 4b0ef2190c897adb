#pragma once
/// Compositions that nobody chose: decoders and encoders sampled from large design spaces by a seed.

#include <lacuna/lacuna.hpp>

namespace sampled {
namespace lc = lacuna;

template <class... Policies>
using two_heads = lc::attention<lc::heads<2>, Policies...>;
template <class... Policies>
using one_for_both = two_heads<lc::kv_heads<1>, Policies...>;
using near = lc::both<lc::causal, lc::window<5>>;
using both_sides = lc::either<lc::window<3>, lc::columns<lc::listed<0, 9>>>;
using sinks = lc::both<lc::causal, lc::either<lc::columns<lc::leading<2>>, lc::window<4>>>;
using blocks_at_random = lc::either<lc::block_window<4>, lc::random_blocks<4, lc::draws{1}>>;
using stretched = lc::clipped_softmax<lc::stretch{-0.1f, 1.2f}>;
using clamped = lc::clamped_softmax<lc::score_limit{0.3f}>;
using normalised_keys = lc::shared_query_key<lc::shared_form::normalised>;

// What stands in the recipes that are varied.
using attention_here = two_heads<lc::causal>;
using attention_there = one_for_both<lc::causal, lc::rope<>>;
using ffn_here = lc::ffn<lc::hidden<12>, lc::relu>;
using ffn_there = lc::ffn<lc::hidden<8>, lc::silu>;
using block_here = lc::pre_norm<lc::rms_norm<>, attention_here, ffn_here>;
using block_there = lc::pre_norm<lc::rms_norm<>, attention_there, ffn_there>;

/// Two blocks of which everything is varied.
using decoder =
    lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::allow_selection_leak, block_here, block_there>;
using encoder = lc::encoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>, lc::token_types<3>, lc::sequences<3>,
                            lc::post_norm<lc::layer_norm<>, attention_here, ffn_here>, block_there>;

using first_attentions =
    lc::vary<attention_here, attention_here, one_for_both<near, lc::alibi>,
             two_heads<lc::causal, lc::rope<>, lc::softmax1, lc::sigmoid_gate<>>,
             one_for_both<lc::causal, stretched, lc::rope<>>, two_heads<sinks, clamped, lc::bias>,
             two_heads<lc::both<lc::causal, lc::chunked<8>>, lc::rope<>>, two_heads<blocks_at_random, lc::dot_by_width>,
             two_heads<lc::top_k<3>, lc::rope<>>, two_heads<lc::causal, lc::favor<6>, lc::rope<>>,
             two_heads<lc::both<lc::causal, lc::window<6>>, lc::l2_gelu<>>,
             one_for_both<lc::full, lc::low_rank<4>, lc::rope<>>, two_heads<near, lc::difference<lc::favor<6>>>,
             two_heads<lc::causal, normalised_keys, lc::plain_dot, lc::rope<>>,
             two_heads<lc::causal, lc::local_enhancement<3>>>;
using second_attentions = lc::vary<
    attention_there, attention_there, lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>, lc::skip,
    two_heads<lc::full, lc::head_width<6>, lc::bias>, two_heads<lc::dilated_window<3, lc::dilation{2}>, lc::alibi>,
    one_for_both<lc::top_k<4, lc::full>, stretched>, two_heads<lc::bi_level<5, lc::kept_regions{2}>, lc::dot_by_width>,
    two_heads<lc::lsh<lc::hashing{.rounds = 2, .buckets = 4, .chunk = 3}>, lc::shared_query_key<>,
              lc::plain_dot_to_others>,
    two_heads<lc::k_means<3>, normalised_keys, lc::plain_dot, lc::rope<>>, two_heads<lc::window<4>, lc::relu_features>,
    two_heads<lc::causal, lc::summarised<lc::segments<4>>, lc::rope<>>,
    one_for_both<near, lc::learned_sinks<2>, lc::softmax1>,
    two_heads<both_sides, lc::class_projections<lc::listed<0, 9>>, lc::rope<>>,
    two_heads<lc::full, lc::parameter_tokens<9>>>;
/// Those of both lists whose routes are spans, which several sequences ask for.
using attentions_of_sequences =
    lc::vary<attention_here, attention_here, one_for_both<near, lc::alibi>,
             two_heads<lc::full, lc::head_width<6>, lc::bias>,
             two_heads<lc::causal, lc::rope<>, lc::softmax1, lc::sigmoid_gate<>>,
             one_for_both<lc::causal, stretched, lc::rope<>>, two_heads<both_sides, clamped, lc::bias>,
             two_heads<lc::full, lc::l2_gelu<>>, two_heads<lc::window<4>, normalised_keys, lc::plain_dot, lc::rope<>>,
             two_heads<lc::full, lc::parameter_tokens<9>>>;
using skipping = lc::ffn<lc::hidden<8>, lc::relu, lc::skips_zeros>;
using first_ffns =
    lc::vary<ffn_here, ffn_here, lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>, lc::ffn<lc::hidden<8>, lc::gelu>,
             lc::ffn<lc::hidden<8>, lc::poly_relu>, lc::ffn<lc::hidden<12>, lc::gated<lc::poly_norm<>>>,
             lc::ffn<lc::hidden<12>, lc::top_k_activation<3, lc::gelu_tanh>>, lc::pattention<9>>;
using second_ffns = lc::vary<ffn_there, ffn_there, lc::skip, skipping, lc::ffn<lc::hidden<12>, lc::squared_relu>,
                             lc::ffn<lc::hidden<8>, lc::gated<lc::sigmoid>>,
                             lc::mixture<lc::experts<3>, lc::experts_per_token<2>, lc::hidden<4>, lc::silu,
                                         lc::balance_loss<lc::loss_weight{0.5f}>>>;
using norms = lc::vary<lc::rms_norm<>, lc::rms_norm<>, lc::layer_norm<>, lc::plain_layer_norm<>>;
using second_blocks =
    lc::vary<block_there, lc::called<"pre", block_there>, lc::called<"twice", lc::repeat<2, block_there>>,
             lc::called<"shared", lc::shared<2, block_there>>,
             lc::called<"post", lc::post_norm<lc::rms_norm<>, attention_there, ffn_there>>,
             lc::called<"peri", lc::peri_norm<lc::rms_norm<>, attention_there, ffn_there>>,
             lc::called<"output", lc::output_norm<lc::rms_norm<>, attention_there, ffn_there>>,
             lc::called<"parallel", lc::parallel<lc::rms_norm<>, attention_there, ffn_there>>,
             lc::called<"deep", lc::deep_norm<lc::rms_norm<>, lc::residual_scale<lc::deep_alpha{1.5f}>, attention_there,
                                              ffn_there>>>;
/// Formats of the feed-forwards' weights, and of attention's.
using ffn_formats = lc::vary<lc::dense, lc::in<lc::recipe_name::ffn>, lc::dense, lc::low_rank_weight<3>,
                             lc::block_diagonal<2>, lc::n_m<2, 4>, lc::blocked<2, 2, lc::density{0.5}>,
                             lc::sum<lc::block_diagonal<4>, lc::low_rank_weight<2>>>;
using attention_formats = lc::vary<lc::dense, lc::in<lc::recipe_name::attention>, lc::dense, lc::block_diagonal<2>,
                                   lc::low_rank_weight<2>, lc::masked<lc::n_m<2, 4>>>;
using biases = lc::vary<lc::no_bias, lc::in<lc::recipe_name::ffn>, lc::no_bias, lc::bias>;

using decoders = lc::sampled_space<
    decoder, lc::samples{.seed = 20261126, .count = 30}, second_blocks, first_attentions, second_attentions, first_ffns,
    second_ffns, norms, ffn_formats, attention_formats, biases,
    lc::vary<lc::slots::embedding_position, lc::no_embedding_position, lc::learned_position, lc::sinusoidal<>>,
    lc::vary<lc::slots::head, lc::tied_head, lc::linear_head<lc::bias>>, lc::without<skipping, lc::low_rank_weight<3>>,
    lc::without<skipping, lc::block_diagonal<2>>, lc::without<skipping, lc::n_m<2, 4>>,
    lc::without<skipping, lc::blocked<2, 2, lc::density{0.5}>>,
    lc::without<skipping, lc::sum<lc::block_diagonal<4>, lc::low_rank_weight<2>>>>;
using encoders =
    lc::sampled_space<encoder, lc::samples{.seed = 20261126, .count = 12}, second_blocks, attentions_of_sequences,
                      first_ffns, second_ffns, norms, ffn_formats, biases,
                      lc::vary<lc::slots::pooling, lc::mean_pooling, lc::first_token, lc::sequence_pooling>,
                      lc::without<skipping, lc::low_rank_weight<3>>, lc::without<skipping, lc::block_diagonal<2>>,
                      lc::without<skipping, lc::n_m<2, 4>>, lc::without<skipping, lc::blocked<2, 2, lc::density{0.5}>>,
                      lc::without<skipping, lc::sum<lc::block_diagonal<4>, lc::low_rank_weight<2>>>>;

}  // namespace sampled
