#pragma once
/// A loss of several terms, by name.

#include <lacuna/core/fixed_string.hpp>

LACUNA_BEGIN

/// One term of a loss: what it adds to the total, over all calls with its name.
struct loss_term {
  const char* name = "";
  double weighted = 0;
};

/// The sum of weighted losses, for a step and its report. Terms of one name are one line: those of several layers add
/// up. Names are kept as pointers and compared as text. No heap: `Most` different names, and what is beyond them adds
/// to the line of the last.
///
/// ```
/// lc::weighted_losses<4> loss;
/// loss.add("task", 1, lc::mean_cross_entropy(logits, targets, adjoint));  // writes the adjoint: it comes first
/// loss.add("distillation", 0.5, [&](double weight) { return lc::kl_divergence{}(logits, teacher, adjoint, weight); });
/// model.visit_losses(loss);                                               // what the recipe carries itself
/// ```
template <extent_t Most>
struct weighted_losses {
  static_assert(Most > 0, "lacuna::weighted_losses: it has room for no term (give it the number of different names)");
  loss_term terms[Most]{};
  extent_t count = 0;

  /// Adds weight * value: of a number, or of what `loss(weight)` returns, so that a weight is written once. Returns the
  /// unweighted value.
  template <class Loss>
  constexpr double add(const char* name, double weight, Loss&& loss) {
    double value = 0;
    if constexpr (requires { value = loss(weight); })
      value = loss(weight);
    else
      value = loss;
    find(name).weighted += weight * value;
    return value;
  }
  /// For walks that give losses by name, such as `model::visit_losses`.
  constexpr void operator()(const char* name, double weight, double value) { add(name, weight, value); }

  /// The whole loss: the sum of all terms; NaN where one is.
  constexpr double total() const {
    double sum = 0;
    for (extent_t i = 0; i < count; ++i) sum += terms[i].weighted;
    return sum;
  }
  /// What a name added; 0 for a name that was not given.
  constexpr double operator[](const char* name) const {
    for (extent_t i = 0; i < count; ++i)
      if (detail::same_text(terms[i].name, name)) return terms[i].weighted;
    return 0;
  }
  /// Begins anew.
  constexpr void clear() { count = 0; }

  constexpr const loss_term* begin() const noexcept { return terms; }
  constexpr const loss_term* end() const noexcept { return terms + count; }

 private:
  constexpr loss_term& find(const char* name) {
    for (extent_t i = 0; i < count; ++i)
      if (detail::same_text(terms[i].name, name)) return terms[i];
    if (count == Most) return terms[Most - 1];
    terms[count] = {name, 0};
    return terms[count++];
  }
};

LACUNA_END
