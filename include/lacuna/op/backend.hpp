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
};
}  // namespace slots

/// The oracle: plain constexpr loops for every operation, on host and device.
struct reference {
  using slot = slots::backend;
  static constexpr auto name = fixed_string("reference");
};

/// What a kernel returns: the backend whose code ran, so that a missed override cannot go unnoticed.
template <class Backend>
struct ran_on {
  using backend = Backend;
};

/// What a backend asks of its data. Specialise it for a backend of your own where it differs from its parent.
template <class Backend>
struct backend_traits {
  static_assert(std::is_base_of_v<reference, Backend>,
                "lacuna::backend: this backend is not defined here (include its header, such as "
                "<lacuna/with_eigen.hpp>, or derive your own tag from lacuna::reference)");
  /// Where its views point to.
  static constexpr auto memory_space = fixed_string("host");
  /// Bytes to which it wants tensors aligned.
  static constexpr extent_t alignment = tensor_alignment;
  /// f32 values it computes at once.
  static constexpr extent_t lanes = 1;
  /// Its own form of a dense weight `(outputs, inputs)`, kept as derived data; `nothing` where it reads the weight.
  template <class Element, extent_t Outputs, extent_t Inputs>
  using packed = nothing;
};

/// What derived data is made for: stored weights, computed values, a backend.
template <class Weight, class Value, class Backend>
struct target {
  using weight = Weight;
  using value = Value;
  using backend = Backend;
  /// The backend's own form of a dense weight.
  template <extent_t Outputs, extent_t Inputs>
  using packed = typename backend_traits<Backend>::template packed<Weight, Outputs, Inputs>;
};

namespace detail {

/// A backend that runs another one and tells a watcher of every call: see op/watch.hpp.
template <class Backend>
concept ObservingBackend = requires { typename Backend::observed_backend; };

}  // namespace detail

namespace op {

/// The one way from an entry to a kernel.
template <class Operation, class Backend, class... Arguments>
LACUNA_HD constexpr auto run_kernel(Operation operation, const Backend& backend, const Arguments&... arguments) {
  if constexpr (detail::ObservingBackend<Backend>) {
    const auto ran = kernel(operation, arguments..., backend.inner);
    backend.watcher.after(operation, ran, arguments...);
    return ran;
  } else {
    return kernel(operation, arguments..., backend);
  }
}

}  // namespace op

/// Whether `Operation` with these (canonical) arguments runs code of a backend other than `reference`.
template <class Operation, class Backend, class... Arguments>
inline constexpr bool overridden =
    !same<typename decltype(kernel(Operation{}, std::declval<const Arguments&>()...,
                                   std::declval<const Backend&>()))::backend,
          reference>;

LACUNA_END
