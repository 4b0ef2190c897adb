#pragma once
/// A model in which a sublayer adds nothing to its stream.

#include <lacuna/model/model.hpp>
#include <lacuna/model/paths.hpp>

LACUNA_BEGIN

namespace detail {

/// Whether a tensor is among the last that a sublayer multiplies by: its output projection, the down projection of
/// feed-forwards and experts, or the norm behind it.
constexpr bool ends_a_sublayer(const char* path, const char* sublayer) {
  const char* rest = behind(path, sublayer);
  if (rest == nullptr) return false;
  return behind(rest, "_output_norm.") != nullptr || (*rest == '.' && writes_to_the_stream(rest));
}

}  // namespace detail

/// Sets what ends a sublayer to 0, so that it adds nothing: `try_silence(copy, "blocks.1.attention")`. What a model
/// loses by it says whether the sublayer matters; take a copy, since the numbers are gone. Works for attention,
/// feed-forwards and mixtures with any weight format, bias, and a norm behind them; not for `post_norm`, whose norm
/// belongs to the sum. Returns how many numbers were set. Error: nothing ends a sublayer of that path.
/// Source: the criterion of Zhang et al. (2024), FinerCut, arXiv 2405.18218, section 3.
template <class Model>
constexpr outcome<extent_t> try_silence(Model& of, const char* sublayer) {
  extent_t count = 0;
  visit_named(
      [&]<class Leaf>(const char* path, Leaf& tensor) {
        if constexpr (!is_integer<typename Leaf::element>)
          if (detail::ends_a_sublayer(path, sublayer)) {
            for (auto& each : tensor.data) each = {};
            count += Leaf::size;
          }
      },
      of.parameters_to_write());
  if (count == 0)
    return error(error_kind::value,
                 "lacuna::silence: expected the path of a sublayer, such as 'blocks.0.attention', found '")
           << sublayer << "'";
  of.update();
  return count;
}

LACUNA_END
