#pragma once
/// A weight that is the sum of two.

#include <lacuna/format/slots.hpp>
#include <lacuna/tensor/expression.hpp>
#include <lacuna/tensor/walk.hpp>

LACUNA_BEGIN

/// W = A + B: `sum<dense, product<dense, dense, inner<8>>>` is a weight with an update of rank 8 (LoRA), `sum<csr<...>,
/// product<...>>` sparse and low-rank. `(tokens, inputs) -> (tokens, outputs)`; the multiply-adds of both. Paths: what
/// the terms store, under `first` and `second`. An update whose factors are both 0 never learns: a conversion whose
/// first term loses nothing leaves one of them 0 and draws the other.
/// Source: Hu et al. (2021), LoRA, arXiv 2106.09685, eq. (3), with its factor alpha / r inside the weights; Chen et al.
/// (2021), DSEE, arXiv 2111.00160.
template <class First, class Second>
struct sum {
  using slot = slots::format;
  using first_format = checked<First, slots::format>;
  using second_format = checked<Second, slots::format>;
  static constexpr bool linear = is_linear<first_format> && is_linear<second_format>;
  using parts = type_list<First, Second>;
  template <class NewFirst, class NewSecond>
  using rebuild = sum<NewFirst, NewSecond>;
  static constexpr auto name = fixed_string("sum<") + first_format::name + ", " + second_format::name + ">";

  template <extent_t Outputs, extent_t Inputs>
  struct bound {
    using first_map = typename first_format::template bound<Outputs, Inputs>;
    using second_map = typename second_format::template bound<Outputs, Inputs>;

    template <class Role>
    struct parameters {
      using element = typename Role::element;
      typename first_map::template parameters<Role> first;
      typename second_map::template parameters<Role> second;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        v("first", s.first...);
        v("second", s.second...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<Outputs> term;  ///< what the second gives
      LACUNA_NO_ADDRESS typename first_map::template memory<Plan> first;
      LACUNA_NO_ADDRESS typename second_map::template memory<Plan> second;
    };
    template <class Target>
    struct derived {
      typename first_map::template derived<Target> first;
      typename second_map::template derived<Target> second;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      first_map::refresh(parameters.first, derived.first);
      second_map::refresh(parameters.second, derived.second);
    }
    template <class Parameters, class Memory, class Derived, class Input, class Output, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Input, Inputs> x, rows<Output, Outputs> y, const Run& run) {
      const auto term = memory.term.first(x.count);
      first_map::forward(parameters.first, memory.first, derived.first, x, y, run);
      second_map::forward(parameters.second, memory.second, derived.second, x, term, run);
      run.evaluate(y, y + term);
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Input, class Output,
              class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Input, Inputs> x,
                                             rows<Output, Outputs> dy, rows<Value, Inputs> dx, const Run& run) {
      first_map::backward(parameters.first, gradients.first, memory.first, adjoint.first, derived.first, x, dy, dx,
                          run);
      second_map::backward(parameters.second, gradients.second, memory.second, adjoint.second, derived.second, x, dy,
                           dx, run);
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) {
      return first_map::multiply_adds(tokens) + second_map::multiply_adds(tokens);
    }
  };
};

LACUNA_END
