#pragma once
/// What a model complains of, a sentence each.

#include <lacuna/model/decoder.hpp>
#include <lacuna/model/encoder.hpp>
#include <lacuna/model/regressor.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a type binds itself, as a decoder does; blocks and sublayers are bound to a place.
template <class Recipe>
concept WholeRecipe = requires { typename Recipe::bound; };
/// Whether a type is a model.
template <class Model>
concept IsModel = requires {
  typename Model::recipe_type;
  typename Model::backend_type;
  typename Model::parameters_type;
};
/// What stands for a recipe that is none, after the complaint.
using no_recipe = decoder<vocabulary<1>, width<1>, context<1>, no_component>;

}  // namespace detail

namespace rules {
template <class Recipe>
struct model_holds_a_recipe {
  static_assert(
      detail::WholeRecipe<Recipe>,
      "lacuna::model: its first argument is not a whole recipe (write model<decoder<...>>, options after it)");
};
template <bool Trains>
struct learning_needs_training {
  static_assert(Trains, "lacuna::model: an inference model has no gradients (write model<Recipe, lacuna::training>)");
};
template <bool Trains>
struct what_is_tapped_is_kept {
  static_assert(Trains,
                "lacuna::model: an inference model does not keep the rows that are tapped (write model<Recipe, "
                "lacuna::training>)");
};
template <bool Owns>
struct writing_needs_ownership {
  static_assert(
      Owns, "lacuna::model: borrowed parameters are read-only (write them before lending, or use heap or in_place)");
};
template <bool Fine>
struct stream_can_be_cut {
  static_assert(
      Fine,
      "lacuna::model: a route sees ahead or depends on the stream's length, so that a stream cannot be cut "
      "into chunks (take all of it at once with chunk<context>, or see the past only with both<causal, ...>)");
};
template <bool Fine>
struct what_learns_keeps {
  static_assert(Fine,
                "lacuna::ring_cache: a ring overwrites what backward reads (train with linear_cache and substitute the "
                "ring afterwards: the parameters are the same)");
};
template <bool Fine>
struct something_reads_what_is_assigned {
  static_assert(Fine,
                "lacuna::model: no part of this model reads what is assigned (a graph<> is read under neighbours<N>, "
                "node_positions<N> by laplacian_position<N>, sequence_lengths under packed<> and by encoders, a "
                "token_type_view by token_types<N>)");
};
template <extent_t Tokens>
struct chunk_is_not_empty {
  static_assert(Tokens > 0, "lacuna::model: a chunk of 0 tokens makes no progress (choose chunk<1> or more)");
};
template <bool Fine>
struct sequences_are_told_apart {
  static_assert(Fine,
                "lacuna::model: this model takes one sequence at a time (write model<packed<Recipe, sequences<N>>>)");
};
template <bool Fine>
struct parts_tell_sequences_apart {
  static_assert(
      Fine,
      "lacuna::packed: a part looks across tokens and does not tell sequences apart (leave out limited "
      "capacity, auxiliary losses, and parts of your own that hide attention, or take one sequence at a time)");
};
template <bool Fine>
struct sequences_have_one_stream {
  static_assert(
      Fine,
      "lacuna::packed: a model of several streams takes one sequence in each (give paged_cache one stream, or "
      "leave packed out and use a stream for each sequence)");
};
template <bool Fine>
struct what_encodes_is_an_encoder {
  static_assert(Fine,
                "lacuna::model: a decoder makes logits, and no rows of sequences (call try_forward or "
                "try_forward_sequences, or give the model an encoder<...>)");
};
template <bool Fine>
struct tokens_are_read {
  static_assert(
      Fine,
      "lacuna::model: a regressor reads windows of numbers, and no tokens (call try_predict, or give the model a "
      "decoder<...>)");
};
template <bool Fine>
struct windows_are_read {
  static_assert(
      Fine,
      "lacuna::model: a decoder or encoder reads tokens, and no windows of numbers (call try_forward, or give "
      "the model a regressor<...>)");
};
template <bool Fine>
struct window_is_of_the_recipe {
  static_assert(Fine,
                "lacuna::model: the window has other columns than the regressor has series, or other numbers than the "
                "model (give rows<const Model::value, N>, N = variates + covariates)");
};
template <bool Fine>
struct streams_are_several {
  static_assert(Fine,
                "lacuna::model: this model keeps one stream (give every attention paged_cache<positions, streams{N}>)");
};
}  // namespace rules

LACUNA_END
