#pragma once
/// A model with its weights in other formats.

#include <lacuna/compress/pack.hpp>
#include <lacuna/compress/permuted.hpp>
#include <lacuna/compress/quantized.hpp>
#include <lacuna/compress/sum.hpp>
#include <lacuna/model/model.hpp>

LACUNA_BEGIN

/// What became of a model's weights, one by one: of all maps whose format or whose element is another one. What they
/// gain or lose together in bytes, where the element stays, and in multiply-adds is what the model does.
struct conversion_report {
  std::vector<weight_report> weights;
  extent_t bytes_before = 0, bytes_after = 0;  ///< of all parameters, as files store them

  /// What was lost of all converted weights together, as a share of their norm.
  double relative_residual() const {
    double lost = 0, all = 0;
    for (const auto& each : weights) lost += each.residual * each.residual, all += each.norm * each.norm;
    return all > 0 ? maths::sqrt(lost / all) : 0;
  }
};

namespace detail {

/// What a conversion makes; after a complaint, a model of the recipe that was named, or of none.
template <class To>
struct made_by_conversion {
  using type = model<std::conditional_t<WholeRecipe<To>, To, no_recipe>>;
};
template <IsModel To>
struct made_by_conversion<To> {
  using type = To;
};
template <class To>
using made = typename made_by_conversion<To>::type;

/// Whether a struct holds the parameters of a linear map.
template <class Struct>
concept HoldsMap = requires { typename Struct::map::format_type; };

/// Whether a format has one dense weight behind it: a linear one does, and integers that multiply rounded inputs.
template <class Format>
inline constexpr bool has_weight_behind = is_linear<Format>;
template <extent_t Bits, class Activations>
inline constexpr bool has_weight_behind<quantized<Bits, Activations>> = true;

/// Whether the parameters of a map hold its dense weight as `weight`, with no mask beside it.
template <class Struct>
inline constexpr bool stores_it_whole = false;
template <class Struct>
  requires requires(const Struct& of) { of.weight.size; }
inline constexpr bool stores_it_whole<Struct> = [] {
  using stored = std::remove_cvref_t<decltype(std::declval<const Struct&>().weight)>;
  return stored::size == Struct::map::outputs * Struct::map::inputs && !is_integer<typename stored::element> &&
         !requires(const Struct& of) { of.mask; };
}();

/// The dense weight behind the parameters of a map: the stored one where it is stored whole, and not masked.
template <class Struct>
weight_matrix weight_behind(const void* of_struct) {
  const Struct& of = *static_cast<const Struct*>(of_struct);
  using map = typename Struct::map;
  if constexpr (stores_it_whole<Struct>)
    return weight_matrix(of.weight);
  else
    return multiply_out<typename map::format, map::outputs, map::inputs, typename Struct::element>(of);
}

/// A tensor of the source; its elements are read as f64, which holds every one of them exactly.
struct source_tensor {
  path_text path;
  const void* data = nullptr;
  const extent_t* extents = nullptr;
  extent_t rank = 0;
  bool integer = false;
  double (*read)(const void*, extent_t) = nullptr;
  bool used = false;  ///< whether the target has it, too
};
/// A linear map of the source.
struct source_map {
  path_text path;
  const char* format = nullptr;   ///< its name, which has one address
  const char* element = nullptr;  ///< the same
  extent_t outputs = 0, inputs = 0;
  extent_t bytes = 0;  ///< without its bias
  std::uint64_t multiply_adds = 0;
  bool linear = true;
  const void* parameters = nullptr;
  weight_matrix (*dense)(const void*) = nullptr;
  const char* packed = nullptr;  ///< of a weight with masks: the name of its format without them
  status (*pack)(const void*, std::vector<packed_tensor>&) = nullptr;  ///< and how it becomes that
};

template <class Element>
double read_element(const void* data, extent_t i) {
  const Element stored = static_cast<const Element*>(data)[i];
  if constexpr (is_integer<Element>)
    return static_cast<double>(stored);
  else
    return static_cast<double>(widen(stored));
}
template <class Element>
Element written_element(double value) {
  if constexpr (is_integer<Element>)
    return static_cast<Element>(value);
  else
    return convert_element<Element>(value);
}

/// Everything that a model has learned, by path.
struct source_table {
  std::vector<source_tensor> tensors;
  std::vector<source_map> maps;

  template <class Leaf>
  void operator()(const char* path, const Leaf& of) {
    using element = typename Leaf::element;
    tensors.push_back(
        {path_text(path), of.data, Leaf::extents, Leaf::rank, is_integer<element>, &read_element<element>});
  }
  template <class Struct>
  bool enters(const path_text& path, const Struct& of) {
    if constexpr (HoldsMap<Struct>) {
      using map = typename Struct::map;
      source_map found{path,
                       map::format_type::name.c_str(),
                       element_traits<typename Struct::element>::name.c_str(),
                       map::outputs,
                       map::inputs,
                       count_bytes<typename map::format::template parameters<shapes<typename Struct::element>>>(),
                       map::multiply_adds(1),
                       has_weight_behind<typename map::format_type> || stores_it_whole<Struct>,
                       &of,
                       &weight_behind<Struct>};
      using packed = typename without_masks<typename map::format_type>::type;
      if constexpr (!same<packed, typename map::format_type>) {
        found.packed = packed::name.c_str();
        found.pack = &pack_masks_of<Struct>;
      }
      maps.push_back(found);
    }
    return true;
  }
  const source_tensor* take_tensor(const char* path) {
    for (source_tensor& each : tensors)
      if (same_text(each.path.c_str(), path)) {
        each.used = true;
        return &each;
      }
    return nullptr;
  }
  const source_map* find_map(const char* path) const {
    for (const source_map& each : maps)
      if (same_text(each.path.c_str(), path)) return &each;
    return nullptr;
  }
  /// Everything that a map stores has been read, but for its bias.
  void use_map(const path_text& path) {
    path_text of_bias = path;
    of_bias << ".bias";
    for (source_tensor& each : tensors) {
      bool inside = true;
      for (extent_t i = 0; inside && i < path.size(); ++i) inside = each.path.c_str()[i] == path.c_str()[i];
      if (inside && each.path.c_str()[path.size()] == '.' && !same_text(each.path.c_str(), of_bias.c_str()))
        each.used = true;
    }
  }
  const source_tensor* unused() const {
    for (const source_tensor& each : tensors)
      if (!each.used) return &each;
    return nullptr;
  }
};

inline error unlike(const char* path) {
  error wrong(error_kind::shape, "lacuna::convert: '");
  return wrong << path << "': ";
}

/// What is wrong with a weight, and where it is.
inline error at_path(const char* path, const error& why) {
  error wrong(why.kind, "'");
  return wrong << path << "': " << why.message;
}

/// Fills a model's parameters, struct by struct.
struct fills_parameters {
  source_table& from;
  const conversion_choices& choices;
  conversion_report& report;
  status filled = nothing{};
  double copied_squares = 0, lost_squares = 0;  ///< of all numbers that were copied, and of what rounding took of them

  template <class Leaf>
  void operator()(const char* path, Leaf& to) {
    using element = typename Leaf::element;
    if (!filled.ok()) return;
    const source_tensor* source = from.take_tensor(path);
    bool fits = source != nullptr && source->rank == Leaf::rank && source->integer == is_integer<element>;
    for (extent_t i = 0; fits && i < Leaf::rank; ++i) fits = source->extents[i] == Leaf::extents[i];
    if (!fits) {
      filled = unlike(path) << "expected a tensor of the same shape in the model that is converted, found "
                            << (source == nullptr ? "none" : "another shape")
                            << " (do the recipes differ in more than formats?)";
      return;
    }
    for (extent_t i = 0; i < Leaf::size; ++i) {
      const double number = source->read(source->data, i);
      to[i] = written_element<element>(number);
      if constexpr (!is_integer<element>) {
        const auto kept = static_cast<double>(widen(to[i]));
        if (!maths::is_finite(kept)) {
          filled = at_path(path, maths::is_finite(number) ? too_large<element>() : not_finite(i, number));
          return;
        }
        copied_squares += number * number, lost_squares += (number - kept) * (number - kept);
      }
    }
  }
  /// A map is filled at once, its bias with it; a map in the format that the source has is copied tensor by tensor, and
  /// reported if numbers are rounded.
  template <class Struct>
  bool enters(const path_text& path, Struct& to) {
    if constexpr (HoldsMap<Struct>) {
      using map = typename Struct::map;
      if (!filled.ok()) return false;
      const source_map* source = from.find_map(path.c_str());
      const source_tensor* embedding =
          source == nullptr && same_text(path.c_str(), "head") ? from.take_tensor("embedding.weight") : nullptr;
      if (source == nullptr && embedding == nullptr) {
        filled = unlike(path.c_str()) << "expected a linear map in the model that is converted, found none (do the "
                                         "recipes differ in more than formats?)";
        return false;
      }
      if (source != nullptr && source->format == map::format_type::name.c_str()) {
        // Tensors of equal shapes may be those of other sizes, whose patterns lead out of this weight.
        if (source->outputs != map::outputs || source->inputs != map::inputs) {
          filled = at_path(path.c_str(), other_sizes(map::outputs, map::inputs, source->outputs, source->inputs)
                                             << " (do the recipes differ in more than formats?)");
          return false;
        }
        if (source->element == element_traits<typename Struct::element>::name.c_str()) return true;
        round_map(path, *source, to);
        return false;
      }
      if (source != nullptr && !source->linear) {
        filled = unlike(path.c_str()) << "expected a linear weight, found " << source->format;
        return false;
      }
      weight_matrix weight;
      if (source != nullptr) {
        weight = source->dense(source->parameters);
      } else {
        weight = weight_matrix(embedding->extents[0], embedding->extents[1]);
        for (extent_t i = 0; i < weight.values.size(); ++i) weight.values[i] = embedding->read(embedding->data, i);
      }
      auto converted =
          source != nullptr && source->packed == map::format_type::name.c_str()
              ? pack_weight(*source, weight, to)
              : try_convert_weight<typename map::format_type, map::outputs, map::inputs, typename Struct::element>(
                    weight, to, choices);
      if (!converted.ok()) {
        filled = at_path(path.c_str(), converted.why());
        return false;
      }
      // A tied embedding stays where it is: the head had no bytes of its own.
      converted->bytes_before = source != nullptr ? source->bytes : 0;
      if (source != nullptr) converted->multiply_adds_before = source->multiply_adds;
      converted->path = path;
      report.weights.push_back(*converted);
      from.use_map(path);
      if constexpr (requires { to.bias[0]; }) {
        path_text of_bias = path;
        of_bias << ".bias";
        if (source != nullptr)
          (*this)(of_bias.c_str(), to.bias);
        else
          for (auto& each : to.bias.data) each = {};
      }
      return false;
    } else {
      return true;
    }
  }

 private:
  /// The same format in another element. What has no matrix behind it is measured by all numbers that it stores.
  template <class Struct>
  void round_map(const path_text& path, const source_map& source, Struct& to) {
    using map = typename Struct::map;
    copied_squares = lost_squares = 0;
    path_text inside = path;
    named_walk<fills_parameters> walk{*this, inside};
    Struct::base::visit(walk, static_cast<typename Struct::base&>(to));
    if (!filled.ok()) return;
    weight_report rounded =
        report_sizes<typename map::format_type, map::outputs, map::inputs, typename Struct::element>();
    if (source.linear) {
      const weight_matrix before = source.dense(source.parameters), after = weight_behind<Struct>(&to);
      if (before.values.size() != after.values.size()) {
        filled =
            error(error_kind::memory, "lacuna::convert: expected memory to multiply a weight out, found too little");
        return;
      }
      copied_squares = before.squares(), lost_squares = before.without(after).squares();
    }
    rounded.path = path;
    rounded.norm = maths::sqrt(copied_squares), rounded.residual = maths::sqrt(lost_squares);
    rounded.bytes_before = source.bytes, rounded.multiply_adds_before = source.multiply_adds;
    report.weights.push_back(rounded);
    if constexpr (requires { to.bias[0]; }) walk("bias", to.bias);
  }
  /// Masks are the patterns of what is packed, part by part: magnitudes are not asked again.
  template <class Struct>
  outcome<weight_report> pack_weight(const source_map& source, const weight_matrix& weight, Struct& to) {
    using map = typename Struct::map;
    if (const auto fine = try_check_weight<map::outputs, map::inputs>(weight); !fine.ok()) return fine.why();
    std::vector<packed_tensor> packed;
    if (const auto done = source.pack(source.parameters, packed); !done.ok()) return done.why();
    visit_named(
        [&]<class Leaf>(const char* path, Leaf& leaf) {
          for (const packed_tensor& each : packed)
            if (same_text(each.path.c_str(), path))
              for (extent_t i = 0; i < Leaf::size; ++i)
                leaf[i] = written_element<typename Leaf::element>(each.values[i]);
        },
        static_cast<typename Struct::base&>(to));
    return report_conversion<typename map::format_type, map::outputs, map::inputs, typename Struct::element>(weight,
                                                                                                             to);
  }
};

template <class From, class To>
outcome<conversion_report> convert_model(const From& from, To& to, const conversion_choices& choices) {
  using parameters = typename To::parameters_type;
  if (choices.mask != nullptr)
    return error(error_kind::shape,
                 "lacuna::convert: expected no mask for a whole model, found one (give it to "
                 "lacuna::try_convert_weight)");
  if (!from.ready() || !to.ready())
    return error(error_kind::memory, "lacuna::convert: the allocator had no memory for the model");
  conversion_report report;
  report.bytes_before =
      count_bytes<typename From::bound::template parameters<shapes<typename From::numerics::weight>>>();
  report.bytes_after = count_bytes<typename To::bound::template parameters<shapes<typename To::numerics::weight>>>();
  const auto apart = box<parameters>::make();
  if (!apart)
    return error(error_kind::memory,
                 "lacuna::convert: expected memory for a second copy of the parameters, found too little");
  *apart = to.parameters();
  source_table table;
  visit_named(table, from.parameters());
  fills_parameters fills{table, choices, report};
  visit_named(fills, *apart);
  if (!fills.filled.ok()) return fills.filled.why();
  if (const auto* left = table.unused(); left != nullptr)
    return unlike(left->path.c_str()) << "expected a counterpart in the model that is filled, found none (do the "
                                         "recipes differ in more than formats?)";
  to.parameters_to_write() = *apart;
  to.update();
  to.reset();
  return report;
}

}  // namespace detail

namespace rules {
template <bool Fine>
struct a_model_is_converted {
  static_assert(Fine,
                "lacuna::convert: what is converted is no model (give it the model that was trained or loaded; an "
                "outcome has it as *outcome)");
};
template <bool Fine>
struct a_model_is_made_by_conversion {
  static_assert(Fine,
                "lacuna::convert: it makes models, and was asked for something else (write "
                "try_convert<model<recipe>>(trained), or try_convert_weight for one weight)");
};
}  // namespace rules

/// Fills a model with what another one has learned: weights of other formats are converted, everything else is copied.
/// The recipes differ in formats only, as by `substitute<stories, dense, csr<density{0.1}>>`; a head of its own is
/// filled from the embedding where the source has a tied one. Errors change nothing: tensors or maps without a
/// counterpart on either side, other shapes, weights that are no numbers or too large for the target's element, copied
/// ones too, masks that keep more than there is room for.
/// Where the target has `A` for every `masked<A>` and differs in nothing else, inside `sum` and other composed formats,
/// too, a weight is filled part by part, masked ones by their masks, kept zeros included. Everywhere else the weight
/// behind all parts is taken apart anew, and the report says what that loses. Needs as much memory again as the
/// parameters.
template <class From, class To>
outcome<conversion_report> try_convert_into(const From& from, To& to, const conversion_choices& choices = {}) {
  static_assert(__is_base_of(nothing, rules::a_model_is_converted<detail::IsModel<From>>) || true);
  static_assert(__is_base_of(nothing, rules::a_model_is_made_by_conversion<detail::IsModel<To>>) || true);
  if constexpr (detail::IsModel<From> && detail::IsModel<To>)
    return detail::convert_model(from, to, choices);
  else
    return conversion_report{};
}
/// A model `To` in other formats: `try_convert<model<sparse>>(trained)`.
template <class To, class From>
outcome<detail::made<To>> try_convert(const From& from, const conversion_choices& choices = {}) {
  static_assert(__is_base_of(nothing, rules::a_model_is_made_by_conversion<detail::IsModel<To>>) || true);
  detail::made<To> made;
  if (const auto report = try_convert_into(from, made, choices); !report.ok()) return report.why();
  return static_cast<detail::made<To>&&>(made);
}
/// `try_convert`, throwing `failure` with the same message.
template <class To, class From>
detail::made<To> convert(const From& from, const conversion_choices& choices = {}) {
  return try_convert<To>(from, choices).take();
}

LACUNA_END
