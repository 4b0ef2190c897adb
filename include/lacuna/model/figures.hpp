#pragma once
/// Figures of a recipe, all constexpr, all read from the same shapes that the model allocates.

#include <lacuna/model/decoder.hpp>
#include <lacuna/model/results.hpp>

LACUNA_BEGIN

/// Learned values of a recipe: `parameter_count<stories> == 260'032`.
template <class Recipe>
inline constexpr extent_t parameter_count =
    count_elements<typename Recipe::bound::template parameters<shapes<float>>>();

/// Bytes of the parameters as a file stores them, without padding.
template <class Recipe, class Numerics>
inline constexpr extent_t parameter_bytes =
    count_bytes<typename Recipe::bound::template parameters<shapes<typename Numerics::weight>>>();

/// Bytes of the stream's state (keys and values).
template <class Recipe, class Numerics>
inline constexpr extent_t state_bytes =
    count_bytes<typename Recipe::bound::template state<shapes<typename Numerics::value>>>();

/// Multiply-adds of one decoded token at `position`, logits included; one multiply-add is two FLOP.
template <class Recipe>
constexpr std::uint64_t decode_multiply_adds(extent_t position) {
  return Recipe::bound::multiply_adds(position, 1, 1);
}

/// Multiply-adds of a prompt of `tokens`, with the last row's logits.
template <class Recipe>
constexpr std::uint64_t prefill_multiply_adds(extent_t tokens) {
  return Recipe::bound::multiply_adds(0, tokens, 1);
}

/// Multiply-adds of one forecast of a regressor.
template <class Recipe>
constexpr std::uint64_t predict_multiply_adds() {
  return Recipe::bound::multiply_adds(0, Recipe::bound::context, Recipe::bound::variates);
}

/// A size by name, with its range over the layers that have it: `hidden`, from 96 to 184 in 12 layers.
struct size_range {
  const char* name = nullptr;
  extent_t least = 0, most = 0, layers = 0;
};
/// How an attention is run, and why: the route's name and the schedule's reason.
struct schedule_reason {
  const char* route = nullptr;
  const char* why = nullptr;
};
/// Path and shape of one tensor.
struct tensor_shape {
  static constexpr extent_t most_extents = 4;
  path_text path;
  extent_t extents[most_extents]{};
  extent_t rank = 0;
  extent_t size = 0;  ///< elements
};

/// All tensors of a recipe: a range.
template <extent_t Count>
struct shape_table {
  tensor_shape rows[Count + 1]{};
  static constexpr extent_t size() noexcept { return Count; }
  constexpr const tensor_shape& operator[](extent_t i) const noexcept { return rows[i]; }
  constexpr const tensor_shape* begin() const noexcept { return rows; }
  constexpr const tensor_shape* end() const noexcept { return rows + Count; }
};

/// What `describe` prints of a recipe, as values.
template <extent_t Sizes, extent_t Schedules>
struct recipe_figures {
  extent_t parameters = 0;
  extent_t tensors = 0;
  extent_t bytes_f32 = 0, bytes_bf16 = 0, bytes_f16 = 0;  ///< of the parameters
  extent_t state_bytes_f32 = 0;                           ///< of one stream: keys and values
  std::uint64_t multiply_adds_first = 0;                  ///< of the first token of a stream, or of a forecast
  std::uint64_t multiply_adds_last = 0;                   ///< of the last one that the context holds
  size_range sizes[Sizes + 1]{};
  static constexpr extent_t size_count = Sizes;
  schedule_reason schedules[Schedules + 1]{};
  static constexpr extent_t schedule_count = Schedules;

  /// A size by name: that of its first layer.
  constexpr extent_t operator[](const char* name) const {
    for (extent_t i = 0; i < size_count; ++i)
      if (detail::same_text(sizes[i].name, name)) return sizes[i].least;
    return 0;
  }
};

namespace detail {

/// Sizes by name, gathered over the layers.
template <extent_t Most>
struct size_ranges {
  size_range rows[Most]{};
  extent_t count = 0;
  constexpr void operator()(const char* name, extent_t value) {
    for (extent_t i = 0; i < count; ++i) {
      auto& known = rows[i];
      if (!same_text(known.name, name)) continue;
      if (value < known.least) known.least = value;
      if (value > known.most) known.most = value;
      ++known.layers;
      return;
    }
    rows[count++] = {name, value, value, 1};
  }
};
template <class Bound>
constexpr auto gather_sizes() {
  constexpr extent_t told = [] {
    extent_t count = 0;
    Bound::facts([&](const char*, extent_t) { ++count; });
    return count;
  }();
  size_ranges<told + 1> gathered;
  Bound::facts(gathered);
  return gathered;
}
template <class Bound>
inline constexpr auto sizes_of = gather_sizes<Bound>();

/// How many reasons a bound recipe tells.
template <class Bound>
inline constexpr extent_t schedules_told = [] {
  extent_t count = 0;
  Bound::schedules([&](const char*, const char*) { ++count; });
  return count;
}();

template <class Recipe>
constexpr auto figures_of() {
  using bound = typename Recipe::bound;
  recipe_figures<sizes_of<bound>.count, schedules_told<bound>> of;
  of.parameters = parameter_count<Recipe>;
  typename bound::template parameters<shapes<float>> walked{};
  visit_tensors([&]<class Leaf>(const Leaf&) { ++of.tensors; }, walked);
  of.bytes_f32 = parameter_bytes<Recipe, f32>;
  of.bytes_bf16 = parameter_bytes<Recipe, bf16>;
  of.bytes_f16 = parameter_bytes<Recipe, f16>;
  of.state_bytes_f32 = state_bytes<Recipe, f32>;
  if constexpr (regresses<bound>) {
    of.multiply_adds_first = of.multiply_adds_last = predict_multiply_adds<Recipe>();
  } else {
    of.multiply_adds_first = decode_multiply_adds<Recipe>(0);
    of.multiply_adds_last = decode_multiply_adds<Recipe>(bound::context - 1);
  }
  for (extent_t i = 0; i < of.size_count; ++i) of.sizes[i] = sizes_of<bound>.rows[i];
  extent_t told = 0;
  bound::schedules([&](const char* route, const char* why) { of.schedules[told++] = {route, why}; });
  return of;
}

template <class Recipe>
constexpr auto table_of_shapes() {
  shape_table<figures_of<Recipe>().tensors> all;
  extent_t at = 0;
  typename Recipe::bound::template parameters<shapes<float>> walked{};
  visit_named(
      [&]<class Leaf>(const char* path, const Leaf&) {
        static_assert(Leaf::rank <= tensor_shape::most_extents);
        auto& row = all.rows[at++];
        row.path = path_text(path);
        row.rank = Leaf::rank;
        row.size = Leaf::size;
        for (extent_t i = 0; i < Leaf::rank; ++i) row.extents[i] = Leaf::extents[i];
      },
      walked);
  return all;
}

}  // namespace detail

/// All figures of a recipe at once: `figures<stories>.parameters == 260'032`.
template <class Recipe>
inline constexpr auto figures = detail::figures_of<Recipe>();
/// Every tensor of a recipe, in the order of files: `tensor_table<stories>[0].path`.
template <class Recipe>
inline constexpr auto tensor_table = detail::table_of_shapes<Recipe>();

namespace detail {

template <extent_t Left, extent_t Right>
constexpr bool equal_tables(const shape_table<Left>& left, const shape_table<Right>& right) {
  if (Left != Right) return false;
  for (extent_t i = 0; i < Left && i < Right; ++i) {
    if (left[i].rank != right[i].rank || !same_text(left[i].path.c_str(), right[i].path.c_str())) return false;
    for (extent_t d = 0; d < left[i].rank; ++d)
      if (left[i].extents[d] != right[i].extents[d]) return false;
  }
  return true;
}

}  // namespace detail

/// Whether two recipes have the same tensors, by path and shape, so that the weights of one are weights of the other:
/// a variant with another route, cache or normaliser.
template <class Left, class Right>
inline constexpr bool same_tensors = detail::equal_tables(tensor_table<Left>, tensor_table<Right>);

LACUNA_END
