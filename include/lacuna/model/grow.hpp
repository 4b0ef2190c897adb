#pragma once
/// A trained model inside a larger one: what it has learned, and room for more.

#include <lacuna/core/random.hpp>
#include <lacuna/model/model.hpp>
#include <lacuna/model/paths.hpp>

LACUNA_BEGIN

/// What the values of new parameter tokens are drawn from: normal numbers of this deviation.
struct new_values {
  double deviation = 0.02;
  std::uint64_t seed = 1;
};

namespace detail {

/// A named tensor of any shape.
template <class Element>
struct tensor_place {
  const char* path = nullptr;
  Element* data = nullptr;
  const extent_t* extents = nullptr;
  extent_t rank = 0;
};

/// Calls `f(place)` for every tensor of a struct.
template <class Struct, class Function>
constexpr void visit_places(Struct& of, Function&& f) {
  visit_named(
      [&]<class Tensor>(const char* path, Tensor& tensor) {
        f(tensor_place<std::remove_reference_t<decltype(tensor[0])>>{path, tensor.data, Tensor::extents, Tensor::rank});
      },
      of);
}
/// Calls `f(place)` for the tensor of a struct that has this path, and says whether there is one.
template <class Struct, class Function>
constexpr bool visit_place(Struct& of, const char* path, Function&& f) {
  bool found = false;
  visit_places(of, [&](const auto& place) {
    if (same_path(place.path, path)) found = true, f(place);
  });
  return found;
}

template <class Element>
constexpr error& write_shape(error& to, const tensor_place<Element>& of) {
  for (extent_t i = 0; i < of.rank; ++i) to << (i == 0 ? "" : " x ") << static_cast<std::uint64_t>(of.extents[i]);
  return to;
}
constexpr error misfit(const char* path) { return error(error_kind::shape, "lacuna::grow: ") << path; }

/// The axis along which a tensor holds parameter tokens, by its name; as many as the rank where it holds none.
constexpr extent_t token_axis(const char* path, extent_t rank) {
  if (rank == 2 && path_ends_with(path, "key")) return 0;
  if (rank == 2 && path_ends_with(path, "value")) return 1;
  return rank;
}

/// Whether every tensor of one side has a counterpart on the other that is as large, but for more parameter tokens.
template <class Small, class Big>
constexpr status try_fit(const Small& small, const Big& big) {
  error wrong;
  visit_places(small, [&](const auto& from) {
    if (wrong) return;
    const bool found = visit_place(big, from.path, [&](const auto& to) {
      bool fits = from.rank == to.rank;
      const extent_t tokens = token_axis(from.path, from.rank);
      for (extent_t i = 0; fits && i < from.rank; ++i)
        fits = i == tokens ? from.extents[i] <= to.extents[i] : from.extents[i] == to.extents[i];
      if (fits) return;
      wrong = misfit(from.path) << (tokens < from.rank ? ": expected at least " : ": expected ");
      write_shape(wrong, from) << " in the larger model, found ";
      write_shape(wrong, to) << " (add parameter tokens, and take none away)";
    });
    if (!found)
      wrong = misfit(from.path) << ": expected a tensor of this name in the larger model, found none (grow adds "
                                   "parameter tokens to the same recipe)";
  });
  visit_places(big, [&](const auto& to) {
    if (wrong) return;
    if (!visit_place(small, to.path, [](const auto&) {}))
      wrong = misfit(to.path) << ": expected a tensor of this name in the smaller model, found none (grow adds "
                                 "parameter tokens to the same recipe)";
  });
  if (wrong) return wrong;
  return nothing{};
}

/// The leading block of `to` becomes `from`; what lies outside becomes `outside(element)`.
template <class From, class To, class Function>
constexpr void copy_leading(const tensor_place<From>& from, const tensor_place<To>& to, Function&& outside) {
  extent_t size = 1;
  for (extent_t i = 0; i < to.rank; ++i) size *= to.extents[i];
  for (extent_t at = 0; at < size; ++at) {
    extent_t rest = at, offset = 0, stride = 1;
    bool inside = true;
    for (extent_t i = to.rank; i-- > 0;) {
      const extent_t index = rest % to.extents[i];
      rest /= to.extents[i];
      inside = inside && index < from.extents[i];
      offset += index * stride;
      stride *= from.extents[i];
    }
    to.data[at] = inside ? convert_element<To>(from.data[offset]) : outside(to.data[at]);
  }
}

/// One tensor of the larger model: the smaller one's block, then 0 for new keys and, where they are `drawn`, `draw()` for
/// new values.
template <class From, class To, class Draw>
constexpr void grow_tensor(const tensor_place<From>& from, const tensor_place<To>& to, bool drawn, Draw&& draw) {
  using source = std::remove_const_t<From>;
  const auto keep = [](To kept) { return kept; };
  if constexpr (is_integer<To> || is_integer<source>) {
    // Patterns and quantised values are copied as they are; `try_fit` found them equally large.
    if constexpr (same<To, source>) copy_leading(from, to, keep);
  } else {
    if (path_ends_with(to.path, "key") && to.rank == 2)
      copy_leading(from, to, [](To) { return static_cast<To>(compute_t<To>(0)); });
    else if (drawn && path_ends_with(to.path, "value") && to.rank == 2)
      copy_leading(from, to, [&](To) { return static_cast<To>(static_cast<compute_t<To>>(draw())); });
    else
      copy_leading(from, to, keep);
  }
}

template <class Small, class Big>
constexpr status try_grow_with(const Small& small, Big& big, const new_values* drawn) {
  if (!small.ready() || !big.ready())
    return error(error_kind::memory, "lacuna::grow: the allocator had no memory for one of the models");
  if (const auto fits = try_fit(small.parameters(), big.parameters()); !fits.ok()) return fits;
  std::uint64_t counter = 0;
  const auto draw = [&] { return drawn->deviation * random_normal(drawn->seed, 0, counter++); };
  visit_places(big.parameters_to_write(), [&](const auto& to) {
    visit_place(small.parameters(), to.path, [&](const auto& from) { grow_tensor(from, to, drawn != nullptr, draw); });
  });
  big.update();
  big.reset();
  return nothing{};
}

}  // namespace detail

/// Copies a model into a larger one of the same recipe with more parameter tokens: the leading block of every tensor.
/// New keys (the new rows of tensors named `key`) become 0, so that the larger model computes what the smaller one does
/// as long as tau is kept: `parameter_tokens<96, tau_of(64)>`; without it tau is the root of the new number, and the
/// function changes. New values stay as the larger model has them: at random, or drawn by `new_values`. Where they are
/// 0, too, new tokens learn nothing: their gradients meet in a product of both.
///
/// Errors, before anything is changed: a tensor that the other model lacks, or has with other extents, but for more
/// parameter tokens in the larger one; each names the tensor, what was expected and what was found.
/// O(parameters). Source: Wang et al. (2024), TokenFormer, arXiv 2410.23168, section 3.4; the released loader leaves
/// new keys as they are drawn.
template <class Small, class Big>
constexpr status try_grow(const Small& small, Big& big) {
  return detail::try_grow_with(small, big, nullptr);
}
/// The same with the values of new tokens drawn.
template <class Small, class Big>
constexpr status try_grow(const Small& small, Big& big, const new_values& drawn) {
  return detail::try_grow_with(small, big, &drawn);
}
/// `try_grow`, throwing.
template <class Small, class Big, class... Drawn>
constexpr void grow(const Small& small, Big& big, const Drawn&... drawn) {
  try_grow(small, big, drawn...).take();
}

LACUNA_END
