#pragma once
/// Backends are tags. An operation is a qualified entry `op::name(...)` that makes its views canonical and calls one
/// hook, `kernel(operation::name{}, ..., backend)`, found through the tag. Tags inherit; the last is `reference`.

#include <lacuna/core/fixed_string.hpp>
#include <lacuna/core/slots.hpp>
#include <lacuna/tensor/tensor.hpp>

LACUNA_BEGIN

struct reference;

namespace slots {
/// A backend tag: `reference`, those of the with_*.hpp headers, or your own, derived from one of them.
struct backend {
  using stand_in = reference;
  template <class Policy>
  static constexpr bool accepts = std::is_base_of_v<reference, Policy> && requires { sizeof(typename Policy::traits); };
  template <class Policy>
  struct refused {
    static constexpr bool known = std::is_base_of_v<reference, Policy>;
    static_assert(known,
                  "lacuna::backend: the tag does not derive from a backend (write struct mine : lacuna::reference)");
    static_assert(!known,
                  "lacuna::backend: the header of this backend is not included (add <lacuna/with_eigen.hpp>, "
                  "<lacuna/with_simd.hpp>, ...)");
  };
};
}  // namespace slots

/// What a backend asks of its data. A backend of your own that asks for something else derives its traits from its
/// parent's and names them in its tag: `using traits = mine_traits;`.
struct reference_traits {
  /// Where its views point to.
  static constexpr auto memory_space = fixed_string("host");
  /// Bytes to which it wants tensors aligned.
  static constexpr extent_t alignment = tensor_alignment;
  /// f32 values it computes at once.
  static constexpr extent_t lanes = 1;
  /// Its own form of a dense weight `(outputs, inputs)`, kept as derived data; `nothing` where it reads the weight.
  template <class Element, extent_t Outputs, extent_t Inputs>
  using packed = nothing;
  /// Its own form of a block-diagonal weight `(outputs, inputs / blocks)`, kept as derived data.
  template <class Element, extent_t Outputs, extent_t Inputs, extent_t Blocks>
  using packed_diagonal = nothing;
  /// Its own form of a sparse weight (tensor/blocks.hpp), kept as derived data; it has `pack(block_matrix)`.
  template <class Element, class Pattern>
  using packed_blocks = nothing;
};

/// The oracle: plain constexpr loops for every operation, on host and device.
struct reference {
  using slot = slots::backend;
  using traits = reference_traits;
  static constexpr auto name = fixed_string("reference");
};
/// The traits of a backend: its own, or those that its tag inherits.
template <class Backend>
using backend_traits = typename Backend::traits;

/// What a kernel returns: the backend whose code ran, so that a missed override cannot go unnoticed.
template <class Backend>
struct ran_on {
  using backend = Backend;
};

template <class Map, extent_t Outputs, extent_t Inputs, class Weight, class Value>
struct multiplied_out_on_reference;

/// What derived data is made for: stored weights, computed values, a backend.
template <class Weight, class Value, class Backend>
struct target {
  using weight = Weight;
  using value = Value;
  using backend = Backend;
  /// The backend's own form of a dense weight.
  template <extent_t Outputs, extent_t Inputs>
  using packed = typename backend_traits<Backend>::template packed<Weight, Outputs, Inputs>;
  /// The backend's own form of a block-diagonal weight.
  template <extent_t Outputs, extent_t Inputs, extent_t Blocks>
  using packed_diagonal = typename backend_traits<Backend>::template packed_diagonal<Weight, Outputs, Inputs, Blocks>;
  /// The backend's own form of a sparse weight.
  template <class Pattern>
  using packed_blocks = typename backend_traits<Backend>::template packed_blocks<Weight, Pattern>;
  /// Room to multiply a weight out: see op/multiply_out.hpp.
  template <class Map, extent_t Outputs, extent_t Inputs>
  using multiplied_out = multiplied_out_on_reference<Map, Outputs, Inputs, Weight, Value>;
};

/// Backends whose traits and kernels are in a header of their own: without it the tag is refused.
struct eigen_traits;
struct eigen : reference {
  using traits = eigen_traits;
  static constexpr auto name = fixed_string("eigen");
};
struct simd_traits;
struct simd : reference {
  using traits = simd_traits;
  static constexpr auto name = fixed_string("simd");
};

namespace detail {

/// A backend that runs another one and tells a watcher of every call: see op/watch.hpp.
template <class Backend>
concept ObservingBackend = requires { typename Backend::observed_backend; };
/// A backend that tells a watcher which kernel would run, and runs none: see op/watch.hpp.
template <class Backend>
concept SurveyingBackend = requires { typename Backend::surveyed_backend; };

}  // namespace detail

namespace op {

/// The one way from an entry to a kernel.
template <class Operation, class Backend, class... Arguments>
LACUNA_HD constexpr auto run_kernel(Operation operation, const Backend& backend, const Arguments&... arguments) {
  if constexpr (detail::ObservingBackend<Backend>) {
    const auto ran = kernel(operation, arguments..., backend.inner);
    backend.watcher.after(operation, ran, arguments...);
    return ran;
  } else if constexpr (detail::SurveyingBackend<Backend>) {
    using surveyed_backend = typename Backend::surveyed_backend;
    const decltype(kernel(operation, arguments..., std::declval<const surveyed_backend&>())) would_run{};
    backend.watcher.after(operation, would_run, arguments...);
    return would_run;
  } else if constexpr (!slots::backend::accepts<Backend>) {
    static_assert(__is_base_of(nothing, slots::backend::refused<Backend>) || true);
    return ran_on<reference>{};
  } else {
    return kernel(operation, arguments..., backend);
  }
}

}  // namespace op

/// Whether `Operation` with these (canonical) arguments runs code of a backend other than `reference`.
template <class Operation, class Backend, class... Arguments>
inline constexpr bool overridden = !same<typename decltype(kernel(Operation{}, std::declval<const Arguments&>()...,
                                                                  std::declval<const Backend&>()))::backend,
                                         reference>;

LACUNA_END
