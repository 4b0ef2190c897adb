#pragma once
/// Masked weights, also as parts of composed formats, into the formats that their masks are patterns of.

#include <lacuna/compress/blocked.hpp>

LACUNA_BEGIN

namespace detail {

/// A format, with the packed format in the place of each masked one that it is or is composed of.
template <class Format>
struct without_masks {
  using type = Format;
};
template <class Packed, class Gradient>
struct without_masks<masked<Packed, Gradient>> {
  using type = Packed;
};
template <class Format, class Parts>
struct parts_without_masks;
template <class Format, class... Parts>
struct parts_without_masks<Format, type_list<Parts...>> {
  using type = typename Format::template rebuild<typename without_masks<Parts>::type...>;
};
template <class Format>
  requires requires { typename Format::parts; }
struct without_masks<Format> : parts_without_masks<Format, typename Format::parts> {};

/// Fills the parameters of the packed format from those with masks, part by part: masked parts by their masks, all
/// others as they are.
struct packs_masks {
  status packed = nothing{};

  template <class From, class To>
  void operator()(const char*, const From& from, To& to) {
    pack(from, to);
  }
  template <class From, class To>
  void operator()(const char*, extent_t, const From& from, To& to) {
    pack(from, to);
  }
  template <class From, class To>
  void pack(const From& from, To& to) {
    if (!packed.ok()) return;
    if constexpr (same<From, To>)
      to = from;
    else if constexpr (requires { typename From::masked_for; })
      packed = pack_by_mask<typename From::masked_for>(from, from.weight, to);
    else
      From::visit(*this, from, to);
  }
};

/// A tensor of a packed weight, in f64, which holds every element exactly.
struct packed_tensor {
  path_text path;
  std::vector<double> values;
};

/// Packs the weight of a map, and lists its tensors. Errors: a mask that keeps more than the packed format has room
/// for.
template <class Struct>
status pack_masks_of(const void* of_struct, std::vector<packed_tensor>& into) {
  using map = typename Struct::map;
  using format = typename without_masks<typename map::format_type>::type;
  using parameters =
      typename format::template bound<map::outputs,
                                      map::inputs>::template parameters<weights<typename Struct::element>>;
  const auto made = box<parameters>::make();
  if (!made) return error(error_kind::memory, "lacuna::convert: expected memory to pack a weight, found too little");
  packs_masks packs;
  packs.pack(static_cast<const typename Struct::base&>(*static_cast<const Struct*>(of_struct)), *made);
  if (!packs.packed.ok()) return packs.packed;
  visit_named(
      [&]<class Leaf>(const char* path, const Leaf& leaf) {
        packed_tensor found{path_text(path), {}};
        for (const auto& each : leaf.data)
          if constexpr (is_integer<typename Leaf::element>)
            found.values.push_back(static_cast<double>(each));
          else
            found.values.push_back(static_cast<double>(widen(each)));
        into.push_back(found);
      },
      *made);
  return nothing{};
}

}  // namespace detail

LACUNA_END
