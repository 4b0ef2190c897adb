#pragma once
/// How a weight is brought into a format: what every conversion takes and reports.

#include <lacuna/compress/masks.hpp>
#include <lacuna/core/box.hpp>
#include <lacuna/core/error.hpp>
#include <lacuna/format/quantize.hpp>
#include <lacuna/op/multiply_out.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

/// What a conversion may be told.
struct conversion_choices {
  mask_scope scope = mask_scope::weight;
  quantized_range range = quantized_range::whole;  ///< of the integers of quantised weights
  extent_t sweeps = 20;                            ///< at most, of alternating least squares
  const weight_mask* mask = nullptr;               ///< the pattern of a sparse format, in the place of one by magnitude
};

/// Brings a weight into a format: `converter<Format>::convert<Outputs, Inputs>(from, parameters, choices)`; errors say
/// what does not fit. Specialised in the header of compress/ that is named as the format's.
template <class Format>
struct converter;

namespace rules {
template <class Format>
struct the_format_can_be_converted_to {
  static_assert(always_false<Format>,
                "lacuna::convert: nothing says how a dense weight becomes this format (include <lacuna/compress.hpp>, "
                "or specialise lacuna::converter for a format of your own)");
};
}  // namespace rules

template <class Format>
struct converter {
  static_assert(__is_base_of(nothing, rules::the_format_can_be_converted_to<Format>) || true);
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix&, Parameters&, const conversion_choices&) {
    return nothing{};
  }
};

namespace detail {

/// Whether a format's pattern can be given as a mask: its converter says so.
template <class Format>
inline constexpr bool takes_mask = false;
template <class Format>
  requires requires { converter<Format>::takes_mask; }
inline constexpr bool takes_mask<Format> = converter<Format>::takes_mask;

}  // namespace detail

/// What became of one weight. Before, it was the map of the model that was converted, or, where a matrix was, the dense
/// weight in the element that it is converted to.
struct weight_report {
  path_text path;
  const char* format = "";    ///< its name
  double residual = 0;        ///< Frobenius norm of what was lost
  double norm = 0;            ///< of the weight before
  extent_t bytes_before = 0;  ///< as files store them, without a bias
  extent_t bytes_after = 0;
  std::uint64_t multiply_adds_before = 0;  ///< per token
  std::uint64_t multiply_adds_after = 0;
};

/// The dense weight `(outputs, inputs)` that a bound format stands for, in f64; a matrix without rows where there was
/// no memory. As much work as `inputs` tokens.
template <class Map, extent_t Outputs, extent_t Inputs, class Element>
weight_matrix multiply_out(const typename Map::template parameters<weights<Element>>& parameters) {
  struct room {
    multiplied_out_on_reference<Map, Outputs, Inputs, Element, double> scratch;
    tensor<double, Outputs, Inputs> dense;
  };
  const auto held = box<room>::make();
  if (!held) return {};
  held->scratch.multiply_out(parameters, held->dense);
  return weight_matrix(held->dense);
}

namespace detail {

/// What is no finite number, where there has to be one.
inline error not_finite(extent_t at, double found) {
  error wrong(error_kind::value, "lacuna::convert: element ");
  return wrong << at << " of the weight: expected a finite number, found "
               << (maths::is_nan(found) ? "NaN" : "infinity");
}
/// A weight of other sizes than the map that it is for.
inline error other_sizes(extent_t outputs, extent_t inputs, extent_t found_outputs, extent_t found_inputs) {
  error wrong(error_kind::shape, "lacuna::convert: expected a weight of ");
  return wrong << outputs << " x " << inputs << ", found " << found_outputs << " x " << found_inputs;
}
/// A number that the element of the target does not hold.
template <class Element>
error too_large() {
  error wrong(error_kind::value, "lacuna::convert: expected values that ");
  return wrong << element_traits<Element>::name.c_str() << " holds, found larger ones (choose wider numerics)";
}

/// Whether a weight has the shape that a conversion expects, and numbers only.
template <extent_t Outputs, extent_t Inputs>
status try_check_weight(const weight_matrix& from) {
  if (from.outputs != Outputs || from.inputs != Inputs) return other_sizes(Outputs, Inputs, from.outputs, from.inputs);
  for (extent_t i = 0; i < from.values.size(); ++i)
    if (!maths::is_finite(from.values[i])) return not_finite(i, from.values[i]);
  return nothing{};
}

/// What a report says of a format and its sizes, and of the dense weight.
template <class Format, extent_t Outputs, extent_t Inputs, class Element>
weight_report report_sizes() {
  using map = typename Format::template bound<Outputs, Inputs>;
  weight_report report;
  report.format = Format::name.c_str();
  report.bytes_before = Outputs * Inputs * sizeof(Element);
  report.bytes_after = count_bytes<typename map::template parameters<shapes<Element>>>();
  report.multiply_adds_before = std::uint64_t{Outputs} * Inputs;
  report.multiply_adds_after = map::multiply_adds(1);
  return report;
}

/// What became of a weight that was brought into a format. Errors: numbers that became none, also where a mask leaves
/// them out.
template <class Format, extent_t Outputs, extent_t Inputs, class Element>
outcome<weight_report> report_conversion(
    const weight_matrix& from,
    const typename Format::template bound<Outputs, Inputs>::template parameters<weights<Element>>& to) {
  using map = typename Format::template bound<Outputs, Inputs>;
  bool finite = true;
  visit_tensors(
      [&]<class Leaf>(const Leaf& leaf) {
        if constexpr (!is_integer<typename Leaf::element>)
          for (const auto& each : leaf.data) finite = finite && maths::is_finite(widen(each));
      },
      to);
  if (!finite) return too_large<Element>();
  weight_report report = report_sizes<Format, Outputs, Inputs, Element>();
  report.norm = maths::sqrt(from.squares());
  const weight_matrix behind = multiply_out<map, Outputs, Inputs, Element>(to);
  if (behind.values.size() != from.values.size())
    return error(error_kind::memory, "lacuna::convert: expected memory to multiply the weight out, found too little");
  report.residual = maths::sqrt(from.without(behind).squares());
  if (!maths::is_finite(report.residual)) return too_large<Element>();
  return report;
}

}  // namespace detail

/// Brings one weight into a format, and reports: `try_convert_weight<csr<density{0.1}>, 64, 172, float>(from, to)`.
/// Errors: another shape, values that are no numbers or too large for the element, a mask that the format cannot have.
template <class Format, extent_t Outputs, extent_t Inputs, class Element>
outcome<weight_report> try_convert_weight(
    const weight_matrix& from,
    typename Format::template bound<Outputs, Inputs>::template parameters<weights<Element>>& to,
    const conversion_choices& choices = {}) {
  if (const auto fine = detail::try_check_weight<Outputs, Inputs>(from); !fine.ok()) return fine.why();
  if (choices.mask != nullptr && (choices.mask->outputs != Outputs || choices.mask->inputs != Inputs)) {
    error wrong(error_kind::shape, "lacuna::convert: expected a mask of ");
    return wrong << Outputs << " x " << Inputs << ", found " << choices.mask->outputs << " x " << choices.mask->inputs;
  }
  if (choices.mask != nullptr && !detail::takes_mask<Format>) {
    error wrong(error_kind::shape, "lacuna::convert: expected no mask for ");
    return wrong << Format::name.c_str()
                 << ", found one (a mask is the pattern of csr, blocked, n_m, block_diagonal and masked weights)";
  }
  if (const auto converted = converter<Format>::template convert<Outputs, Inputs>(from, to, choices); !converted.ok())
    return converted.why();
  return detail::report_conversion<Format, Outputs, Inputs, Element>(from, to);
}

LACUNA_END
