#pragma once
/// What a recipe or a model is, in figures: the same constexpr ones that size its memory.

#include <cstdio>
#include <lacuna/model/served.hpp>

LACUNA_BEGIN

namespace detail {

/// One line of a report, written to standard output and forgotten.
struct report_line : text_buffer<200> {
  ~report_line() { std::puts(c_str()); }
};

/// 1234567 as 1,234,567.
constexpr text_buffer<28> grouped(std::uint64_t number) {
  text_buffer<28> digits, out;
  digits << number;
  for (extent_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out << ',';
    out << digits.c_str()[i];
  }
  return out;
}

/// Text padded on the left to a column.
inline void right(text_buffer<200>& line, const char* text, extent_t columns) {
  extent_t length = 0;
  while (text[length] != '\0') ++length;
  for (; length < columns; ++length) line << ' ';
  line << text;
}
/// Text padded on the right to a column, by one space at least.
inline void left(text_buffer<200>& line, const char* text, extent_t columns) {
  const extent_t from = line.size();
  line << text << ' ';
  while (line.size() - from < columns) line << ' ';
}

inline void figure(const char* what, std::uint64_t number, const char* unit) {
  report_line line;
  left(line, what, 34);
  right(line, grouped(number).c_str(), 14);
  line << ' ' << unit;
}

}  // namespace detail

/// Prints the shape table of a recipe on standard output: every tensor, parameters, bytes, multiply-adds per token,
/// state. One multiply-add is two FLOP.
template <class Recipe>
  requires(
      requires { typename Recipe::bound; } && !requires { typename Recipe::recipe_type; })
void describe() {
  using bound = typename Recipe::bound;
  typename bound::template parameters<shapes<float>> walked{};
  visit_named(
      [](const char* path, const auto& of) {
        using leaf = std::remove_cvref_t<decltype(of)>;
        detail::report_line line;
        detail::left(line, path, 34);
        text_buffer<48> shape;
        for (extent_t i = 0; i < leaf::rank; ++i)
          shape << (i == 0 ? "(" : ", ") << static_cast<std::uint64_t>(leaf::extents[i]);
        shape << ')';
        detail::left(line, shape.c_str(), 14);
        detail::right(line, detail::grouped(leaf::size).c_str(), 12);
      },
      walked);
  std::puts("");
  constexpr const auto& of = figures<Recipe>;
  for (extent_t i = 0; i < of.size_count; ++i) {
    detail::report_line line;
    detail::left(line, of.sizes[i].name, 34);
    text_buffer<40> value;
    value << static_cast<std::uint64_t>(of.sizes[i].least);
    if (of.sizes[i].most != of.sizes[i].least) value << " to " << static_cast<std::uint64_t>(of.sizes[i].most);
    detail::right(line, value.c_str(), 14);
  }
  detail::figure("parameters", of.parameters, "");
  detail::figure("parameter bytes (f32)", of.bytes_f32, "bytes");
  detail::figure("parameter bytes (bf16)", of.bytes_bf16, "bytes");
  detail::figure("parameter bytes (f16)", of.bytes_f16, "bytes");
  detail::figure("state of a stream (f32)", of.state_bytes_f32, "bytes");
  if constexpr (detail::regresses<bound>) {
    detail::figure("variates", bound::variates, "");
    detail::figure("covariates", bound::series - bound::variates, "");
    detail::figure("multiply-adds of a forecast", of.multiply_adds_first, "");
  } else {
    detail::figure("multiply-adds, first token", of.multiply_adds_first, "");
    detail::figure("multiply-adds, last token", of.multiply_adds_last, "");
  }
  for (extent_t i = 0; i < of.schedule_count; ++i) {
    detail::report_line line;
    line << "schedule of " << of.schedules[i].route << ": " << of.schedules[i].why;
  }
}

namespace detail {

/// What `describe` says of each operation in a range of `served_operation`, of a backward alone where so asked.
template <class Operations>
void print_operations(const Operations& all, const char* backend, bool backward_alone) {
  for (const served_operation& of : all) {
    if (backward_alone && !of.in_backward) continue;
    report_line line;
    left(line, of.operation, 34);
    line << "runs on " << of.backend;
    if (of.in_backward) line << ", in backward";
    if (of.falls_back) line << " (" << backend << " has no kernel for its arguments)";
  }
}
/// The same of a model: from `served`, or where a compiler cannot follow the parts, by following them at run time.
template <class Model>
void describe_operations(bool backward_alone = false) {
  const char* const backend = Model::backend_type::name.c_str();
  if constexpr (SurveyIsConstant<Model>) {
    print_operations(served<Model>, backend, backward_alone);
  } else {
    const auto all = box<whole_survey<Model>, heap_allocator>::make();
    if (all) return print_operations(survey<Model>(all->weights, all->data), backend, backward_alone);
    report_line line;
    line << "operations: expected memory to follow the model's parts, found none";
  }
}

}  // namespace detail

/// Prints the recipe's table, then the model's axes and bytes, and which backend serves each operation, those of a
/// backward included where it learns: a fall-back to the reference is named. What it prints are constants: `figures`,
/// `tensor_table`, `model_bytes`, `workspace_bytes`, `gradient_bytes`, `served`. Nothing runs.
template <class Model>
  requires requires { typename Model::recipe_type; }
void describe() {
  describe<typename Model::recipe_type>();
  std::puts("");
  {
    detail::report_line line;
    line << "model: " << Model::numerics::name.c_str() << ", backend " << Model::backend_type::name.c_str() << ", "
         << Model::ability::name.c_str() << ", storage " << Model::storage_type::name.c_str() << ", chunk of "
         << static_cast<std::uint64_t>(Model::chunk_tokens) << " tokens";
  }
  detail::figure("model, all of it", model_bytes<Model>, "bytes");
  detail::figure("of which workspace", workspace_bytes<Model>, "bytes");
  detail::figure("of which gradients", gradient_bytes<Model>, "bytes");
  detail::describe_operations<Model>();
}

LACUNA_END
