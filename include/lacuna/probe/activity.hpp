#pragma once
/// How many neurons are active: the share of nonzero values behind the activations.
///
/// Source: Li et al. (2022), "The lazy neuron phenomenon", arXiv 2210.06313, section 2: the share of nonzero entries.

#include <lacuna/op/watch.hpp>

LACUNA_BEGIN

namespace detail {

// What watchers of activations look at: `see(y)` with the rows of hidden neurons, `(tokens, hidden)`, and nothing else.

/// A plain activation.
template <class See, class Backend, class Value, extent_t Columns, class Activation, class Operand>
constexpr void see_activations(See&& see, operation::evaluate, ran_on<Backend>, const rows<Value, Columns>& y,
                               const map_node<elementwise::value_of<Activation>, Operand>&) {
  see(y);
}
/// A gate times a projection: inactive where the product is zero.
template <class See, class Backend, class Value, extent_t Columns, class Activation, class Operand, class Other>
constexpr void see_activations(
    See&& see, operation::evaluate, ran_on<Backend>, const rows<Value, Columns>& y,
    const map_node<elementwise::multiply, map_node<elementwise::value_of<Activation>, Operand>, Other>&) {
  see(y);
}
/// The largest of a row: the others are inactive.
template <class See, class Backend, class Value, extent_t Columns, class Node>
constexpr void see_activations(See&& see, operation::keep_largest, ran_on<Backend>, const rows<Value, Columns>& y,
                               const Node&, extent_t) {
  see(y);
}
template <class See, class Operation, class Backend, class... Arguments>
constexpr void see_activations(See&&, Operation, ran_on<Backend>, const Arguments&...) {}

}  // namespace detail

/// Watches activations as they are evaluated and counts values that are not zero.
struct activity_counter {
  std::uint64_t active = 0;
  std::uint64_t seen = 0;

  /// In [0, 1]; 0 when nothing was seen.
  constexpr double share() const noexcept {
    return seen == 0 ? 0.0 : static_cast<double>(active) / static_cast<double>(seen);
  }

  template <class Operation, class Ran, class... Arguments>
  constexpr void after(Operation operation, Ran ran, const Arguments&... arguments) {
    detail::see_activations([this](const auto& y) { this->count(y); }, operation, ran, arguments...);
  }

 private:
  template <class Value, extent_t Columns>
  constexpr void count(const rows<Value, Columns>& y) {
    for (extent_t i = 0; i < y.count * Columns; ++i) active += y.data[i] != Value(0) ? 1 : 0;
    seen += std::uint64_t{y.count} * Columns;
  }
};

LACUNA_END
