#pragma once
/// Into formats that store the dense weight as it is.

#include <lacuna/compress/converter.hpp>
#include <lacuna/format/cached.hpp>
#include <lacuna/format/dense.hpp>
#include <lacuna/format/thresholded.hpp>

LACUNA_BEGIN

namespace detail {

template <class Element, extent_t... Extents>
void store(const weight_matrix& from, tensor<Element, Extents...>& to) {
  for (extent_t i = 0; i < to.size; ++i) to[i] = convert_element<Element>(from.values[i]);
}

}  // namespace detail

/// Every entry, rounded to the element of the weights.
template <>
struct converter<dense> {
  template <extent_t Outputs, extent_t Inputs, class Parameters>
  static status convert(const weight_matrix& from, Parameters& to, const conversion_choices&) {
    detail::store(from, to.weight);
    return nothing{};
  }
};
/// The same; the threshold stays as it is.
template <>
struct converter<thresholded> : converter<dense> {};
/// The weight that is multiplied out is converted.
template <class Weight, extent_t Tokens>
struct converter<cached<Weight, Tokens>> : converter<Weight> {};

LACUNA_END
