#pragma once
/// Positions that begin anew with every sequence of a stream.

#include <lacuna/position/no_position.hpp>
#include <lacuna/tensor/rows.hpp>
#include <lacuna/tensor/sequences.hpp>

LACUNA_BEGIN

namespace rules {
template <bool Fine>
struct what_restarts_is_applied {
  static_assert(Fine,
                "lacuna::restarting: the position does not count tokens from the beginning: it is a distance, or comes "
                "with the tokens (use it alone)");
};
}  // namespace rules

namespace detail {

/// The tokens of `x`, which stand from `run.first` on, part by part, each with the run of its own sequence.
LACUNA_ANY_CALLEE
template <class Table, class Value, extent_t Columns, class Run, class Function>
LACUNA_HD constexpr void for_each_restart(rows<Value, Columns> x, const Run& run, Function&& f) {
  run.shared.template get<Table>().for_each_part(run.first, x.count,
                                                 [&](extent_t from, extent_t count, extent_t start) {
                                                   Run own = run;
                                                   own.first = from - start;
                                                   f(x.slice(from - run.first, count), own);
                                                 });
}

/// At the projections of attention.
template <class Position, class Sequences, bool AtTheEmbedding>
struct restarting_position {
  template <extent_t HeadWidth, extent_t Context>
  struct on_projections {
    using inner = typename Position::template on_projections<HeadWidth, Context>;
    using table = sequence_table<Sequences::value, Context>;
    /// What is a distance was complained of already: it reads no sequences.
    static constexpr bool counts = !requires { typename inner::template score_bias<1>; };
    template <class Value>
    using shares =
        join<typename inner::template shares<Value>, std::conditional_t<counts, type_list<table>, type_list<>>>;

    template <class Value, extent_t Columns, class Run>
    LACUNA_HD static constexpr void apply(rows<Value, Columns> x, bool backward, const Run& run) {
      if constexpr (counts)
        for_each_restart<table>(x, run, [&](const auto& part, const Run& own) { inner::apply(part, backward, own); });
    }
  };
};
/// At the embedding.
template <class Position, class Sequences>
struct restarting_position<Position, Sequences, true> {
  template <extent_t Width, extent_t Context>
  struct bound {
    using inner = typename Position::template bound<Width, Context>;
    using table = sequence_table<Sequences::value, Context>;
    template <class Role>
    using parameters = typename inner::template parameters<Role>;
    template <class Value>
    using shares = join<typename shared_by_position<inner, Value>::type, type_list<table>>;

    template <class Parameters, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, rows<Value, Width> x, const Run& run) {
      for_each_restart<table>(x, run, [&](const auto& part, const Run& own) { inner::forward(parameters, part, own); });
    }
    template <class Gradients, class Value, class Run>
    LACUNA_HD static constexpr void backward(Gradients& gradients, rows<Value, Width> dx, const Run& run) {
      for_each_restart<table>(dx, run,
                              [&](const auto& part, const Run& own) { inner::backward(gradients, part, own); });
    }
    static constexpr std::uint64_t multiply_adds(extent_t tokens) { return work_of_position<inner>(tokens); }
  };
};

}  // namespace detail

/// `Position`, in attention or at the embedding, counted from the beginning of each sequence: rows are those that every
/// sequence would have alone. Sequences come at run time, as in `within_sequence`. Cost and paths: those of `Position`.
/// Source: Zhao et al. (2024), Prepacking, arXiv 2404.09529, section 3.2 (restarted positions).
template <class Position, class Sequences>
struct restarting : detail::restarting_position<Position, checked<Sequences, slots::sequences>,
                                                same<slot_of<Position>, slots::embedding_position>> {
  static constexpr bool applied =
      !requires { typename Position::template on_projections<2, 1>::template score_bias<1>; };
  static_assert(__is_base_of(nothing, rules::what_restarts_is_applied<applied>) || true);
  using slot = slot_of<Position>;
  using parts = type_list<Position>;
  template <class New>
  using rebuild = restarting<New, Sequences>;
  static constexpr auto name =
      fixed_string("restarting<") + Position::name + ", " + checked<Sequences, slots::sequences>::name + ">";
};

LACUNA_END
