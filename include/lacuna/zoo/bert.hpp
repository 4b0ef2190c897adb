#pragma once
/// Encoders of the BERT family.

#include <lacuna/activation/gelu.hpp>
#include <lacuna/attention/attention.hpp>
#include <lacuna/block/residual.hpp>
#include <lacuna/ffn/ffn.hpp>
#include <lacuna/model/encoder.hpp>
#include <lacuna/norm/layer_norm.hpp>
#include <lacuna/position/learned_position.hpp>
#include <lacuna/token/known_vocabulary.hpp>

LACUNA_BEGIN

namespace zoo {

/// What BERT adds to a variance.
inline constexpr epsilon bert_epsilon{1e-12f};

/// The vocabulary of bert-base-uncased, of all-MiniLM-L6-v2, and of most others that were made of them.
inline constexpr known_vocabulary bert_uncased{"bert-base-uncased", 30522, 0x1a8955ef43215668u, 100, 101, 102};

/// An encoder as in Devlin et al. (2018), arXiv 1810.04805: 30522 pieces of words, up to 512 positions, two kinds of
/// tokens, `Layers` post-norm blocks with biases and the exact GELU, and `Pooling` over each of up to `Sequences`
/// sequences of one pass. BERT's sizes: 12 layers of 768 with 12 heads and 3072 neurons.
/// Files of Hugging Face's are read by `try_open_bert`.
template <extent_t Layers, extent_t Width, extent_t Heads, extent_t Hidden, class Sequences = sequences<32>,
          class Pooling = mean_pooling>
using bert_encoder = encoder<vocabulary<30522>, width<Width>, context<512>, learned_position, token_types<2>,
                             embedding_norm<layer_norm<bert_epsilon>>,
                             repeat<Layers, post_norm<layer_norm<bert_epsilon>, attention<heads<Heads>, full, bias>,
                                                      ffn<hidden<Hidden>, gelu, bias>>>,
                             Sequences, Pooling>;

/// all-MiniLM-L6-v2, sentences to 384 numbers: 22,565,376 parameters, 6 layers of 384. Wang et al. (2020), MiniLM,
/// arXiv 2002.10957, trained on pairs of sentences as in Reimers and Gurevych (2019), arXiv 1908.10084.
/// Its tokens are those of `bert_uncased`. Run by examples/05_semantic_search.
using minilm = bert_encoder<6, 384, 12, 1536>;

}  // namespace zoo

LACUNA_END
