#pragma once
/// Which tensors of a trainer learn, by parts of their paths.

#include <lacuna/core/error.hpp>
#include <lacuna/train/trainer.hpp>

LACUNA_BEGIN

/// Whether a path such as `blocks.0.attention.adapter.down.weight` has one of these parts: `with_part{"adapter"}` for
/// adapters (`adapted<...>`), `"second"` for the low-rank half of `sum<dense, product<...>>` (LoRA), `"sink_keys",
/// "sink_values"` for prefixes that every layer reads (`learned_sinks<N>`, which is prefix tuning), `"bias", "shift"`
/// for biases, those of layer norms among them.
template <extent_t Count>
struct with_part {
  const char* parts[Count];
  constexpr bool operator()(const char* path) const noexcept {
    for (const char* const part : parts)
      if (has(path, part)) return true;
    return false;
  }

 private:
  static constexpr bool has(const char* path, const char* part) noexcept {
    for (const char* from = path;;) {
      const char *at = from, *wanted = part;
      for (; *wanted != '\0' && *at == *wanted; ++at) ++wanted;
      if (*wanted == '\0' && (*at == '.' || *at == '\0')) return true;
      while (*from != '.' && *from != '\0') ++from;
      if (*from++ == '\0') return false;
    }
  }
};
template <class... Texts>
with_part(Texts...) -> with_part<sizeof...(Texts)>;

namespace detail {

template <class Accepts>
inline constexpr bool accepts_paths = requires(Accepts&& of, const char* path) { of(path) ? 1 : 0; };

}  // namespace detail

/// Freezes every tensor whose path `accepts` refuses; what does not learn already stays so. Returns the number of
/// tensors that learn from now on, or an error, with every setting as it was, if that is none.
///
/// `accepts(path)` is asked twice for each path. A second call can only freeze more; `trainer::visit_settings` takes it
/// back. Checkpoints of trainings hold no settings: call it again before a training goes on.
///
/// Frozen tensors keep their bits, and the moments of the optimiser their room; backward passes through them as before,
/// and costs what it did. Sources: Houlsby et al. (2019), arXiv 1902.00751 (adapters); Hu et al. (2021), arXiv
/// 2106.09685 (LoRA); Li and Liang (2021), arXiv 2101.00190 (prefixes, without their reparametrisation); Ben Zaken et
/// al. (2021), arXiv 2106.10199 (biases).
template <class Trainer, class Accepts>
outcome<extent_t> try_learn_only(Trainer& of, Accepts&& accepts) {
  extent_t learning = 0;
  of.visit_settings(
      [&](const char* path, tensor_setting& setting) { learning += setting.learns && accepts(path) ? 1 : 0; });
  if (learning == 0)
    return error(
        error_kind::value,
        "lacuna::learn_only: expected a tensor that learns and is accepted, found none (look at the paths that "
        "describe prints)");
  of.visit_settings(
      [&](const char* path, tensor_setting& setting) { setting.learns = setting.learns && accepts(path); });
  return learning;
}
// A text cannot be asked: complains.
template <class Trainer, class Other>
  requires(!detail::accepts_paths<Other>)
outcome<extent_t> try_learn_only(Trainer&, Other&&) {
  static_assert(__is_base_of(nothing, rules::paths_are_accepted_by_a_rule<detail::accepts_paths<Other>>) || true);
  return extent_t{0};
}

LACUNA_END
