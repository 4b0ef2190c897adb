#pragma once
/// Two kinds of rows with maps of their own: local ones, and global ones that see everything.

#include <lacuna/attention/project/separate.hpp>
#include <lacuna/attention/route/positions.hpp>
#include <lacuna/attention/schedule/row_classes.hpp>

LACUNA_BEGIN

/// Rows of `Set` (`leading<1>`, `listed<0, 90>`) are global: they have maps of their own for queries, keys and values,
/// see every token through them, and what they find replaces what the route would give them. All other rows see what
/// the route shows through the ordinary maps, global tokens as well: the route names those, as in `either<window<257>,
/// columns<leading<1>>>`, and counts each key once.
///
/// tokens * width * (query width + 4 kv width) + global rows * width * query width multiply-adds: every token has a
/// global key and value, a row of the set alone has a global query. Paths: `query`, `key`, `value`, `global_query`,
/// `global_key`, `global_value`. Published models start with both triples the same.
/// Source: Beltagy, Peters and Cohan (2020), Longformer, arXiv 2004.05150, section 3.1; local rows read global tokens
/// through the local maps, as the released longformer.py does.
template <class Set>
struct class_projections {
  using slot = slots::projections;
  using set = checked<Set, slots::positions>;
  static constexpr auto name = fixed_string("class_projections<") + set::name + ">";
  using parts = type_list<Set>;
  template <class NewSet>
  using rebuild = class_projections<NewSet>;

  template <class Shape, class Parts>
  using schedule = row_classes<Shape, Parts>;

  template <class Shape, class Format, class Bias>
  struct bound {
    using local = typename separate_projections::template bound<Shape, Format, Bias>;
    using query_map = typename local::query_map;
    using key_map = typename local::key_map;
    using value_map = typename local::value_map;

    template <class Role>
    struct parameters : local::template parameters<Role> {
      using ordinary = typename local::template parameters<Role>;
      typename query_map::template parameters<Role> global_query;
      typename key_map::template parameters<Role> global_key;
      typename value_map::template parameters<Role> global_value;
      template <class Visitor, class... Structs>
      LACUNA_HD static constexpr void visit(Visitor&& v, Structs&... s) {
        ordinary::visit(v, s...);
        v("global_query", s.global_query...);
        v("global_key", s.global_key...);
        v("global_value", s.global_value...);
      }
    };
    /// What the schedule reads: global queries (0 for rows that have none), keys and values; as adjoints, too.
    template <class Plan>
    struct memory {
      typename Plan::template buffer<Shape::query_width> global_query;
      typename Plan::template buffer<Shape::kv_width> global_key;
      typename Plan::template buffer<Shape::kv_width> global_value;
      LACUNA_NO_ADDRESS typename local::template memory<Plan> local_part;
      /// One for each stretch of global rows.
      typename query_map::template memory<Plan> query_map_memory[detail::most_stretches<set>];
      LACUNA_NO_ADDRESS typename key_map::template memory<Plan> key_map_memory;
      LACUNA_NO_ADDRESS typename value_map::template memory<Plan> value_map_memory;
    };
    template <class Target>
    struct derived {
      typename local::template derived<Target> local_part;
      typename query_map::template derived<Target> global_query;
      typename key_map::template derived<Target> global_key;
      typename value_map::template derived<Target> global_value;
    };

    template <class Parameters, class Derived>
    LACUNA_HD static constexpr void refresh(const Parameters& parameters, Derived& derived) {
      local::refresh(parameters, derived.local_part);
      query_map::refresh(parameters.global_query, derived.global_query);
      key_map::refresh(parameters.global_key, derived.global_key);
      value_map::refresh(parameters.global_value, derived.global_value);
    }
    template <class Parameters>
    LACUNA_HD static constexpr void initialise(Parameters& parameters) {
      local::initialise(parameters);
    }
    static constexpr std::uint64_t multiply_adds(extent_t first, extent_t tokens) {
      std::uint64_t total =
          local::multiply_adds(tokens) + key_map::multiply_adds(tokens) + value_map::multiply_adds(tokens);
      detail::each_stretch<set>(first, tokens, [&](extent_t, extent_t, extent_t rows_of_set) {
        total += query_map::multiply_adds(rows_of_set);
      });
      return total;
    }

    template <class Parameters, class Memory, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void forward(const Parameters& parameters, Memory& memory, const Derived& derived,
                                            rows<Value, Shape::width> x, rows<Value, Shape::query_width> query,
                                            rows<Value, Shape::kv_width> key, rows<Value, Shape::kv_width> value,
                                            const Run& run) {
      const extent_t tokens = x.count;
      local::forward(parameters, memory.local_part, derived.local_part, x, query, key, value, run);
      key_map::forward(parameters.global_key, memory.key_map_memory, derived.global_key, x,
                       memory.global_key.first(tokens), run);
      value_map::forward(parameters.global_value, memory.value_map_memory, derived.global_value, x,
                         memory.global_value.first(tokens), run);
      const auto global_query = memory.global_query.first(tokens);
      global_query.fill(0);
      detail::each_stretch<set>(run.first, tokens, [&](extent_t i, extent_t from, extent_t count) {
        query_map::forward(parameters.global_query, memory.query_map_memory[i], derived.global_query,
                           x.slice(from, count), global_query.slice(from, count), run);
      });
    }
    /// Positions of global queries and keys, in place.
    template <class Position, class Memory, class Run>
    LACUNA_HD static constexpr void apply_positions(Memory& memory, extent_t tokens, bool backward, const Run& run) {
      Position::apply(memory.global_key.first(tokens), backward, run);
      detail::each_stretch<set>(run.first, tokens, [&](extent_t, extent_t from, extent_t count) {
        Run moved{run};
        moved.first += from;
        Position::apply(memory.global_query.first(tokens).slice(from, count), backward, moved);
      });
    }
    template <class Parameters, class Gradients, class Memory, class Adjoint, class Derived, class Value, class Run>
    LACUNA_HD static constexpr void backward(const Parameters& parameters, Gradients& gradients, Memory& memory,
                                             Adjoint& adjoint, const Derived& derived, rows<Value, Shape::width> x,
                                             rows<Value, Shape::query_width> dquery, rows<Value, Shape::kv_width> dkey,
                                             rows<Value, Shape::kv_width> dvalue, rows<Value, Shape::width> dx,
                                             const Run& run) {
      const extent_t tokens = x.count;
      local::backward(parameters, gradients, memory.local_part, adjoint.local_part, derived.local_part, x, dquery, dkey,
                      dvalue, dx, run);
      key_map::backward(parameters.global_key, gradients.global_key, memory.key_map_memory, adjoint.key_map_memory,
                        derived.global_key, x, adjoint.global_key.first(tokens), dx, run);
      value_map::backward(parameters.global_value, gradients.global_value, memory.value_map_memory,
                          adjoint.value_map_memory, derived.global_value, x, adjoint.global_value.first(tokens), dx,
                          run);
      detail::each_stretch<set>(run.first, tokens, [&](extent_t i, extent_t from, extent_t count) {
        query_map::backward(parameters.global_query, gradients.global_query, memory.query_map_memory[i],
                            adjoint.query_map_memory[i], derived.global_query, x.slice(from, count),
                            adjoint.global_query.first(tokens).slice(from, count), dx.slice(from, count), run);
      });
    }
  };
};

LACUNA_END
