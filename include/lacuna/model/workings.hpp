#pragma once
/// What a model has besides its parameters, and how it holds both.

#include <lacuna/core/box.hpp>
#include <lacuna/model/results.hpp>
#include <lacuna/model/shared.hpp>
#include <lacuna/model/slots.hpp>
#include <lacuna/op/multiply_out.hpp>
#include <lacuna/tensor/structs.hpp>

LACUNA_BEGIN

namespace detail {

/// How many streams a bound recipe keeps apart: one, unless it says more.
template <class Bound>
inline constexpr extent_t streams_in = [] {
  if constexpr (requires { Bound::streams; })
    return Bound::streams;
  else
    return extent_t{1};
}();

/// Buffers that only a model that learns has.
template <class Bound, class Weight, class Value, extent_t Tokens, bool Trains>
struct learning_buffers {};
template <class Bound, class Weight, class Value, extent_t Tokens>
struct learning_buffers<Bound, Weight, Value, Tokens, true> {
  typename Bound::template parameters<gradients<Weight>> gradients_part;
  typename Bound::template state<gradients<Value>> state_adjoint;
  typename Bound::template memory<reuse<Value, Tokens>> memory_adjoint;
  random_draws draws{};
  bool draws_something = false;  ///< whether forwards that learn draw
};

/// Everything behind a model but its parameters; what is derived from them where it has that of its own.
template <class Bound, class Numerics, class Backend, class Plan, bool Trains, bool Derives>
struct model_workings {
  using value = typename Numerics::value;
  using derived_type = typename Bound::template derived<target<typename Numerics::weight, value, Backend>>;

  LACUNA_NO_ADDRESS std::conditional_t<Derives, derived_type, nothing> derived;
  typename Bound::template state<weights<value>> state;
  typename Bound::template memory<Plan> memory;
  shared_items<typename Bound::template shares<Plan>> shared;
  static constexpr extent_t room_bytes = shared_items<typename Bound::template shares<Plan>>::room_bytes;
  tensor<value, result_rows<Bound, Plan, Trains>, result_columns<Bound>>
      logits;  ///< or rows of sequences, or a forecast
  /// Scratch of `generate`: a heap of token numbers.
  std::uint32_t sampling_order[encodes<Bound> || regresses<Bound> ? 1 : Bound::vocabulary]{};
  LACUNA_NO_ADDRESS learning_buffers<Bound, typename Numerics::weight, value, Plan::tokens, Trains> learning;
  extent_t position = 0;
  extent_t last_count = 0;
  extent_t last_rows = 0;                ///< of adjoints that `try_backward` takes
  bool sequences_of_the_stream = false;  ///< whether the sequences were given for it alone
  extent_t stream = 0;
  extent_t positions[streams_in<Bound>]{};  ///< of the streams that do not run
};

/// Storage: how a model holds its parameters and workings.
template <class Storage, class Parameters, class Workings>
struct model_storage {
  struct both {
    Parameters parameters;
    Workings workings;
  };
  using held_type = box<both, typename Storage::allocator>;
  held_type held = held_type::make();
  static constexpr bool owns = true;
  constexpr bool ready() const noexcept { return static_cast<bool>(held); }
  constexpr Parameters& parameters() const noexcept { return held->parameters; }
  constexpr Workings& workings() const noexcept { return held->workings; }
};
template <class Parameters, class Workings>
struct model_storage<in_place, Parameters, Workings> {
  Parameters held_parameters{};
  Workings held_workings{};
  static constexpr bool owns = true;
  constexpr bool ready() const noexcept { return true; }
  constexpr Parameters& parameters() noexcept { return held_parameters; }
  constexpr const Parameters& parameters() const noexcept { return held_parameters; }
  constexpr Workings& workings() noexcept { return held_workings; }
  constexpr const Workings& workings() const noexcept { return held_workings; }
};
template <class Parameters, class Workings>
struct model_storage<borrowed, Parameters, Workings> {
  const Parameters* lent = nullptr;
  Workings held_workings{};
  static constexpr bool owns = false;
  constexpr bool ready() const noexcept { return lent != nullptr; }
  constexpr const Parameters& parameters() const noexcept { return *lent; }
  constexpr Workings& workings() noexcept { return held_workings; }
  constexpr const Workings& workings() const noexcept { return held_workings; }
};
template <class Parameters, class Workings>
struct model_storage<companion, Parameters, Workings> : model_storage<borrowed, Parameters, Workings> {
  const typename Workings::derived_type* lent_derived = nullptr;
};

}  // namespace detail

LACUNA_END
