#pragma once
/// The norm on the sum, as in the first Transformer.

#include <lacuna/block/residual_block.hpp>

LACUNA_BEGIN

namespace recipe_name {
struct post_norm;
}

namespace detail {

/// Where the sum is normalised: x itself is added.
template <class Norm>
struct sum_of_one {
  using norm = Norm;
  static constexpr float scale = 1;
};

/// y = norm(scale x + sublayer(x)).
template <class At, class Setting, class Sublayer, extent_t Ordinal>
struct post_step : branch<At, no_norm, Sublayer, no_norm, Ordinal> {
  using inner = branch<At, no_norm, Sublayer, no_norm, Ordinal>;
  using names = typename inner::names;
  struct on_sum;
  using stage = norm_stage<typename Setting::norm, At::width, on_sum>;

  template <class Role>
  struct own {
    LACUNA_NO_ADDRESS typename stage::template parameters<Role> norm_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v(names::norm.c_str(), s.norm_part...);
    }
  };
  template <class Role>
  struct parameters {
    LACUNA_NO_ADDRESS own<Role> own_part;
    typename inner::sublayer::template parameters<Role> sublayer_part;
    template <class Visitor, class... Structs>
    LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
      v("", s.own_part...);
      v(names::sublayer.c_str(), s.sublayer_part...);
    }
  };
  template <class Plan>
  struct memory : inner::template memory<Plan> {
    LACUNA_NO_ADDRESS typename stage::template memory<Plan> sum_part;
  };
  template <class Parameters>
  LACUNA_HD static constexpr void initialise(Parameters& parameters) {
    stage::initialise(parameters.own_part.norm_part);
    inner::sublayer::initialise(parameters.sublayer_part);
  }

  template <class Values, class Value, class Run>
  LACUNA_HD static constexpr void forward(Values v, rows<Value, At::width> x, rows<Value, At::width> y,
                                          const Run& run) {
    const auto sum = stage::inner_rows(v.memory.sum_part, y);
    inner::forward(v, x, sum, run);
    if constexpr (Setting::scale == 1)
      op::evaluate(sum, x + sum, run.backend);
    else
      op::evaluate(sum, Setting::scale * x + sum, run.backend);
    if constexpr (stage::present)
      stage::norm::forward(v.parameters.own_part.norm_part, v.memory.sum_part.norm_part, sum, y, run);
  }
  template <class Values, class Adjoints, class Value, class Run>
  LACUNA_HD static constexpr void backward(Values v, Adjoints a, rows<Value, At::width> x, rows<Value, At::width> dy,
                                           rows<Value, At::width> dx, const Run& run) {
    const auto dsum = stage::inner_rows(a.memory.sum_part, dy);
    if constexpr (stage::present) {
      dsum.fill(0);
      stage::norm::backward(v.parameters.own_part.norm_part, a.gradients.own_part.norm_part,
                            v.memory.sum_part.norm_part, v.memory.sum_part.inner.first(x.count), dy, dsum, run);
    }
    if constexpr (Setting::scale == 1)
      op::evaluate(dx, dx + dsum, run.backend);
    else
      op::evaluate(dx, dx + Setting::scale * dsum, run.backend);
    inner::backward(v, a, x, dsum, dx, run);
  }
};

}  // namespace detail

/// `post_norm<layer_norm<>, attention<...>, ffn<...>>`: y = norm(x + f(x)) for each sublayer f in turn,
/// `(tokens, width) -> (tokens, width)`. Paths: `attention_norm`, `attention`, `ffn_norm`, `ffn`.
/// Source: Vaswani et al. (2017), arXiv 1706.03762, section 3.1.
template <class... Policies>
struct post_norm : detail::residual_block<recipe_name::post_norm, residual_fields, Policies...> {
  template <class... New>
  using rebuild = post_norm<New...>;
  /// The last block's output is normalised already.
  using closing_norm = no_norm;
  template <class At>
  using bound = typename post_norm::template steps<At, detail::post_step, detail::sum_of_one<typename post_norm::norm>>;
};

LACUNA_END
