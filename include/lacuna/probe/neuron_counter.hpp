#pragma once
/// How often each neuron of each feed-forward is active, and which never are.
///
/// Source: Ren and Liu (2025), arXiv 2504.18929, for active and dead neurons during training; Li et al. (2022), "The
/// lazy neuron phenomenon", arXiv 2210.06313, section 2, for the share of nonzero entries.

#include <lacuna/probe/activity.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct some_neuron_is_watched {
  static_assert(Fine, "lacuna::neuron_counter: it watches no neuron (write neuron_counter<layers, hidden width>)");
};
}  // namespace rules

/// Watches the activations of `Layers` feed-forwards of `Hidden` neurons, one after the other in every forward.
/// A neuron is active where what leaves it (behind a gate, the product) is larger than `threshold` in magnitude: 0 for
/// ReLU and its family; smooth activations are never 0 and need one, which belongs beside every figure.
///
/// Dead is what was inactive on every token that was seen: a matter of how many there were, so that comparisons take
/// the same ones. A dead neuron and an inactive one differ: activity can fall while nothing dies.
template <extent_t Layers, extent_t Hidden>
struct neuron_counter {
  static_assert(__is_base_of(nothing, rules::some_neuron_is_watched<(Layers > 0 && Hidden > 0)>) || true);
  static constexpr extent_t layers = Layers > 0 ? Layers : 1, hidden = Hidden > 0 ? Hidden : 1;
  double threshold = 0;
  std::uint64_t active[layers][hidden]{};
  std::uint64_t tokens[layers]{};
  std::uint64_t calls = 0;

  /// Whether every feed-forward was met equally often.
  constexpr bool complete() const noexcept { return calls > 0 && calls % layers == 0; }
  /// The share of active neurons in a layer, over neurons and tokens.
  constexpr double active_share(extent_t layer) const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : active[layer]) sum += each;
    const auto all = static_cast<double>(tokens[layer]) * static_cast<double>(hidden);
    return all > 0 ? static_cast<double>(sum) / all : 0;
  }
  /// Neurons of a layer that no token made active.
  constexpr extent_t dead(extent_t layer) const noexcept {
    extent_t count = 0;
    for (const std::uint64_t each : active[layer]) count += each == 0 ? 1 : 0;
    return count;
  }
  constexpr double dead_share(extent_t layer) const noexcept {
    return static_cast<double>(dead(layer)) / static_cast<double>(hidden);
  }

  template <class Operation, class Ran, class... Arguments>
  constexpr void after(Operation operation, Ran ran, const Arguments&... arguments) {
    detail::see_activations([this](const auto& y) { this->count(y); }, operation, ran, arguments...);
  }

 private:
  /// Rows of another width are no feed-forward's.
  template <class Value, extent_t Columns>
  constexpr void count(const rows<Value, Columns>&) {}
  template <class Value>
  constexpr void count(const rows<Value, hidden>& y) {
    const extent_t layer = static_cast<extent_t>(calls++ % layers);
    for (extent_t t = 0; t < y.count; ++t)
      for (extent_t i = 0; i < hidden; ++i) {
        const auto number = static_cast<double>(widen(y.data[t * hidden + i]));
        active[layer][i] += (number < 0 ? -number : number) > threshold ? 1 : 0;
      }
    tokens[layer] += y.count;
  }
};

LACUNA_END
