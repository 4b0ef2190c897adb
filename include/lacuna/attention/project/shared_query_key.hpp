#pragma once
/// One projection for queries and keys, so that similar tokens see each other.

#include <lacuna/attention/project/separate.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/op/evaluate.hpp>

LACUNA_BEGIN

/// What becomes of the shared projection s, head by head.
enum class shared_form : std::uint8_t {
  unit_keys,  ///< query = s, key = s / |s|: the Reformer
  normalised  ///< query = key = (s - mean) / deviation: the Routing Transformer
};

namespace rules {
template <bool Fine>
struct shared_heads_are_as_many {
  static_assert(Fine,
                "lacuna::shared_query_key: there are fewer key heads than heads, and both are one projection (leave "
                "kv_heads out)");
};
}  // namespace rules

/// s = W x, value = W_v x; queries and keys from s by `Form`. tokens * width * 2 query width multiply-adds.
/// Scores are meant to be `plain_dot`: nothing more is divided by. Paths: `query_key`, `value`.
/// Sources: Kitaev et al. (2020), Reformer, arXiv 2001.04451, section 2 (the release divides by the root of the mean
/// square plus 1e-6 and by that of the head width); Roy et al. (2020), arXiv 2003.05997, section 4.1 (layer norm
/// without gain and shift, epsilon 1e-6 in the release).
template <shared_form Form = shared_form::unit_keys>
struct shared_query_key {
  using slot = slots::projections;
  static constexpr auto name = [] {
    if constexpr (Form == shared_form::unit_keys)
      return fixed_string("shared_query_key<unit_keys>");
    else
      return fixed_string("shared_query_key<normalised>");
  }();

  template <class Shape, class Format, class Bias>
  struct bound {
    static_assert(__is_base_of(nothing, rules::shared_heads_are_as_many<Shape::heads == Shape::kv_heads>) || true);
    static constexpr extent_t columns = Shape::kv_width, head_width = Shape::head_width, heads = Shape::kv_heads;
    static constexpr bool centred = Form == shared_form::normalised;
    using shared_map = projection<format_at<Format, projection_name::query>, Bias, columns, Shape::width>;
    using value_map = projection<format_at<Format, projection_name::value>, Bias, columns, Shape::width>;

    template <class Role>
    struct parameters {
      typename shared_map::template parameters<Role> query_key;
      typename value_map::template parameters<Role> value;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("query_key", s.query_key...);
        v("value", s.value...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<columns> shared;  ///< as an adjoint, too
      typename Plan::template buffer<heads> inverse;   ///< per head: what its length or deviation is divided by
      LACUNA_NO_ADDRESS typename shared_map::template memory<Plan> query_key;
      LACUNA_NO_ADDRESS typename value_map::template memory<Plan> value;
    };
    template <class Target>
    struct derived {
      typename shared_map::template derived<Target> query_key;
      typename value_map::template derived<Target> value;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      shared_map::refresh(parameters.query_key, derived.query_key);
      value_map::refresh(parameters.value, derived.value);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters&) {}
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return shared_map::multiply_adds(tokens) + value_map::multiply_adds(tokens);
    }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Value, Shape::width> x, rows<Value, Shape::query_width> query,
                                            rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                            const Run& run) {
      value_map::forward(parameters.value, memory.value, derived.value, x, value, run);
      const auto shared = memory.shared.first(x.count);
      shared_map::forward(parameters.query_key, memory.query_key, derived.query_key, x, shared, run);
      const auto s = split_columns<heads>(shared), k = split_columns<heads>(key);
      const auto inverse = split_columns<heads>(memory.inverse.first(x.count));
      constexpr double epsilon = 1e-6;
      if constexpr (centred) {
        // Centred in place: backward needs no more of s than that.
        op::evaluate(s, s - row_mean(s), run.backend);
        op::evaluate(inverse, inverse_root(row_mean(s * s) + static_cast<float>(epsilon)), run.backend);
        op::evaluate(k, s * inverse, run.backend);
        op::evaluate(whole(query), key, run.backend);
      } else {
        op::evaluate(inverse, inverse_root(row_mean(s * s) + static_cast<float>(epsilon)), run.backend);
        op::evaluate(k, s * inverse * unit<Value>(), run.backend);
        op::evaluate(whole(query), shared, run.backend);
      }
    }
    /// With r the inverse and n = s r: ds = r (dk - n mean(dk n)), less its mean where s was centred.
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Value, Shape::width> x,
                                             rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                             rows<Value, Shape::kv_width> dvalue, rows<Value, Shape::width> dx,
                                             const Run& run) {
      const auto shared = memory.shared.first(x.count), dshared = adjoint.shared.first(x.count);
      const auto s = split_columns<heads>(shared), ds = split_columns<heads>(dshared);
      const auto dk = split_columns<heads>(dkey);
      const auto r = split_columns<heads>(memory.inverse.first(x.count));
      if constexpr (centred) {
        op::evaluate(dkey, dkey + whole(dquery), run.backend);
        op::evaluate(ds, r * (dk - s * (row_mean(dk * s) * r * r)), run.backend);
        op::evaluate(ds, ds - row_mean(ds), run.backend);
      } else {
        op::evaluate(ds, r * unit<Value>() * (dk - s * (row_mean(dk * s) * r * r)), run.backend);
        op::evaluate(dshared, dshared + whole(dquery), run.backend);
      }
      shared_map::backward(parameters.query_key, gradients.query_key, memory.query_key, adjoint.query_key,
                           derived.query_key, x, dshared, dx, run);
      value_map::backward(parameters.value, gradients.value, memory.value, adjoint.value, derived.value, x, dvalue, dx,
                          run);
    }

   private:
    /// From a root mean square of 1 to a length of 1.
    template <class Value>
    LACUNA_HD static constexpr Value unit() {
      return static_cast<Value>(1 / maths::sqrt(static_cast<double>(head_width)));
    }
    /// Queries are as wide as keys; after a complaint they are taken to be.
    template <class Value, extent_t All>
    LACUNA_HD static constexpr rows<Value, columns> whole(rows<Value, All> of) {
      return {of.data, of.count};
    }
  };
};

LACUNA_END
