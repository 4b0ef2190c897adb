#pragma once
/// Which keys a row sees where queries and keys decide it themselves: the operation that runs a selection.
///
/// A selection is made for one head of one pass: `run()` fills a plan, `multiply_adds()` is what it costs. Backends may
/// serve the ones that they know; the reference runs any.

#include <lacuna/op/backend.hpp>

LACUNA_BEGIN

namespace operation {

struct select {
  static constexpr auto name = fixed_string("select");
  template <class Selection>
  LACUNA_HD static constexpr std::uint64_t multiply_adds(const Selection& selection) noexcept {
    return selection.multiply_adds();
  }
};
template <class Selection>
LACUNA_HD constexpr auto kernel(select, const Selection& selection, const reference&) {
  selection.run();
  return ran_on<reference>{};
}

}  // namespace operation

namespace op {

/// Runs a selection: see attention/plan/selected.hpp. No gradient: what was selected is a constant.
template <class Selection, class Backend>
LACUNA_HD constexpr auto select(const Selection& selection, const Backend& backend) {
  return run_kernel(operation::select{}, backend, selection);
}

}  // namespace op

LACUNA_END
