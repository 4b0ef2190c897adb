#pragma once
// The universal checks of the catalogue of attentions (T1 to T11), the same for every composition. What is asked of an
// attention goes through an interface, so that the checks are compiled once.
//
//   T1 the dense limit                 in the laws of each mechanism
//   T2 weights sum to one, or less     weights_sum
//   T3 gradients                       gradients_are_differences
//   T4 no leak from the future         later_tokens_change_nothing
//   T5 unseen tokens do not exist      unseen_tokens_do_not_exist
//   T6 permutation                     order_does_not_matter; shift by positions' own laws
//   T7 schedules and backends agree    schedules_agree, backends_agree
//   T8 counters                        counters_tell_the_cost
//   T9 packed streams                  sequences_are_told_apart
//   T10 prefill and decode             a_stream_may_be_cut
//   T11 the same draws every time      draws_are_the_same; on any number of threads tests/kernels/threads.cpp

#include <doctest/doctest.h>
#include <cmath>
#include <cstring>
#include <lacuna/lacuna.hpp>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "support/compiled_tiles.hpp"
#include "support/worse.hpp"

#if __has_include(<xsimd/xsimd.hpp>)
#include <lacuna/with_simd.hpp>
#endif

namespace attention_kit {
namespace lc = lacuna;
/// The backend to compare with.
#if __has_include(<xsimd/xsimd.hpp>)
using fast = lc::simd;
#else
using fast = lc::reference;
#endif
/// Two heads over a route.
template <class Route, class... Policies>
using over = lc::attention<lc::heads<2>, Route, Policies...>;
using row_numbers = std::vector<double>;

/// A parameter or gradient of f32 or f64, number by number.
struct any_tensor {
  std::string path;
  void* data;
  std::size_t size;
  bool wide;

  double at(std::size_t i) const {
    return wide ? static_cast<const double*>(data)[i] : static_cast<double>(static_cast<const float*>(data)[i]);
  }
  void set(std::size_t i, double to) const {
    if (wide)
      static_cast<double*>(data)[i] = to;
    else
      static_cast<float*>(data)[i] = static_cast<float>(to);
  }
};

/// One attention on streams of up to `tokens` rows of `width`.
struct any_attention {
  std::size_t width = 0, tokens = 0;
  std::vector<any_tensor> parameters, gradients;
  std::uint64_t counted = 0;  ///< multiply-adds of the last forward

  virtual ~any_attention() = default;
  /// Rows [first, first + rows of x), which continue the stream.
  virtual row_numbers forward(const row_numbers& x, std::size_t first = 0) = 0;
  /// The adjoint of x, after a forward of a whole stream; gradients are cleared before.
  virtual row_numbers backward(const row_numbers& dy) = 0;
  virtual std::uint64_t cost(std::size_t first, std::size_t rows) const = 0;
};

/// What a stream of `rows` tokens needs besides them: `Inputs{}.template assign<Value>(shared, rows)` gives it.
struct tokens_alone {
  template <class Value, class Shared>
  void assign(Shared&, std::size_t) const {}
};

template <class Attention, class Value, class Backend, lc::extent_t Width, lc::extent_t Tokens,
          class Inputs = tokens_alone>
class attention_rig final : public any_attention {
 public:
  using bound = typename Attention::template bound<lc::place<Width, Tokens>>;
  using plan = lc::keep<Value, Tokens>;

  attention_rig() {
    width = Width, tokens = Tokens;
    bound::initialise(parts_->parameters);
    parts_->shared.build();
    collect(parts_->parameters, parameters);
    collect(parts_->gradients, gradients);
  }
  row_numbers forward(const row_numbers& x, std::size_t first) override {
    const std::size_t rows = x.size() / Width;
    copy(x, parts_->x.data + first * Width);
    Inputs{}.template assign<Value>(parts_->shared, first + rows);
    parts_->shared.prepare(first, rows);
    bound::refresh(parts_->parameters, parts_->derived);
    counter_ = {};
    bound::forward(values(), slice(parts_->x, first, rows), slice(parts_->y, first, rows), run(first));
    counted = counter_.multiply_adds;
    return {parts_->y.data + first * Width, parts_->y.data + (first + rows) * Width};
  }
  row_numbers backward(const row_numbers& dy) override {
    const std::size_t rows = dy.size() / Width;
    copy(dy, parts_->dy.data);
    parts_->dx.view().fill(0);
    lc::visit_tensors(
        [](auto& of) {
          for (auto& each : of.data) each = 0;
        },
        parts_->gradients);
    lc::visit_tensors(
        [](auto& of) {
          for (auto& each : of.data) each = 0;
        },
        parts_->state_adjoint);
    bound::backward(values(), lc::adjoints{parts_->gradients, parts_->state_adjoint, parts_->memory_adjoint},
                    slice(parts_->x, 0, rows), slice(parts_->dy, 0, rows), slice(parts_->dx, 0, rows), run(0));
    return {parts_->dx.data, parts_->dx.data + rows * Width};
  }
  std::uint64_t cost(std::size_t first, std::size_t rows) const override { return bound::multiply_adds(first, rows); }

 private:
  struct all_parts {
    typename bound::template parameters<lc::weights<Value>> parameters{};
    typename bound::template parameters<lc::gradients<Value>> gradients{};
    typename bound::template state<lc::weights<Value>> state{};
    typename bound::template state<lc::gradients<Value>> state_adjoint{};
    typename bound::template memory<plan> memory{};
    typename bound::template memory<lc::reuse<Value, Tokens>> memory_adjoint{};
    typename bound::template derived<lc::target<Value, Value, Backend>> derived{};
    lc::shared_items<lc::unique<typename bound::template shares<plan>>> shared{};
    lc::tensor<Value, Tokens, Width> x{}, y{}, dy{}, dx{};
  };
  using watching = lc::watched<Backend, lc::work_counter>;

  template <class Struct>
  static void collect(Struct& from, std::vector<any_tensor>& to) {
    lc::visit_named(
        [&](const char* path, auto& of) {
          to.push_back({path, of.data, std::remove_reference_t<decltype(of)>::size, sizeof(of.data[0]) == 8});
        },
        from);
  }
  static void copy(const row_numbers& from, Value* to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = static_cast<Value>(from[i]);
  }
  template <class Tensor>
  static lc::rows<Value, Width> slice(Tensor& of, std::size_t first, std::size_t rows) {
    return of.first(first + rows).slice(first, rows);
  }
  auto values() { return lc::values{parts_->parameters, parts_->state, parts_->memory, parts_->derived}; }
  auto run(std::size_t first) const {
    return lc::run<watching, decltype(parts_->shared)>{first, watching_, parts_->shared};
  }

  std::unique_ptr<all_parts> parts_ = std::make_unique<all_parts>();
  Backend backend_{};
  lc::work_counter counter_;
  watching watching_{backend_, counter_};
};

/// What a row's weights sum to.
enum class sum { one, less, anything };
/// What is true of a composition.
struct promises {
  bool causal = true;  ///< rows see the past alone, and a stream may be cut
  sum weights = sum::one;
  bool ordered = true;                                               ///< tokens may not change places
  bool learns = true;                                                ///< what backward reads is still there
  bool (*sees)(lc::extent_t, lc::extent_t, lc::extent_t) = nullptr;  ///< row, key, keys: where the route says it
};

inline row_numbers normal_rows(std::uint64_t seed, std::size_t count) {
  row_numbers all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = static_cast<float>(lc::random_normal(seed, 8, i));
  return all;
}
/// The same numbers for the same path in every rig, exact in f32. What `initialise` wrote is moved, not replaced.
inline void randomise(any_attention& of) {
  for (const any_tensor& tensor : of.parameters) {
    std::uint64_t seed = 3;
    for (const char letter : tensor.path) seed = seed * 1099511628211u + static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < tensor.size; ++i)
      tensor.set(i, static_cast<float>(static_cast<float>(tensor.at(i)) + 0.3 * lc::random_normal(seed, 9, i)));
  }
}
/// The largest difference, as a share of the largest number; infinite where a number is none.
inline double apart(const row_numbers& found, const row_numbers& expected) {
  double most = 0, largest = 1e-30;
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    if (!(difference < HUGE_VAL)) return HUGE_VAL;
    most = std::max(most, difference), largest = std::max(largest, std::abs(expected[i]));
  }
  return most / largest;
}
inline bool same_bits(const double* a, const double* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(double)) == 0;
}
inline bool finite(const double* of, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (!std::isfinite(of[i])) return false;
  return true;
}
inline const any_tensor* find(const std::vector<any_tensor>& in, const char* path) {
  for (const auto& of : in)
    if (of.path == path) return &of;
  return nullptr;
}

/// With values of 1 and an output map that passes them on, each output is the sum of its row's weights.
inline void weights_sum(any_attention& of, const promises& promised) {
  const any_tensor *value = find(of.parameters, "value.weight"), *output = find(of.parameters, "output.weight");
  if (value == nullptr || output == nullptr || promised.weights == sum::anything) return;
  const std::size_t inner = output->size / of.width;
  auto x = normal_rows(1, of.tokens * of.width);
  for (std::size_t t = 0; t < of.tokens; ++t) x[(t + 1) * of.width - 1] = 1;
  std::vector<const any_tensor*> moved{value, output};
  for (const char* bias : {"value.bias", "output.bias"})
    if (const any_tensor* each = find(of.parameters, bias)) moved.push_back(each);
  row_numbers kept;
  for (const any_tensor* each : moved)
    for (std::size_t i = 0; i < each->size; ++i) kept.push_back(each->at(i)), each->set(i, 0);
  for (std::size_t i = of.width - 1; i < value->size; i += of.width) value->set(i, 1);
  for (std::size_t i = 0; i < output->size; ++i) output->set(i, i / inner == i % inner ? 1 : 0);
  const auto y = of.forward(x);
  std::size_t wrong = 0;
  bool something = false;
  for (std::size_t t = 0; t < of.tokens; ++t) {
    bool sees_something = promised.sees == nullptr;
    for (std::size_t key = 0; key < of.tokens && !sees_something; ++key)
      sees_something = promised.sees(t, key, of.tokens);
    for (std::size_t c = 0; c < std::min(inner, of.width); ++c) {
      const double total = y[t * of.width + c];
      const bool fine = !sees_something                ? total == 0
                        : promised.weights == sum::one ? std::abs(total - 1) < 1e-12
                                                       : total > -1e-12 && total < 1 + 1e-12;
      wrong += fine ? 0 : 1;
      something = something || total > 0;
    }
  }
  CHECK(wrong == 0);
  CHECK(something);
  std::size_t i = 0;
  for (const any_tensor* each : moved)
    for (std::size_t j = 0; j < each->size; ++j) each->set(j, kept[i++]);
}

/// Of every tensor, and of x, up to so many numbers, spread over it.
inline void gradients_are_differences(any_attention& of, std::size_t rows, std::size_t moved_numbers) {
  auto x = normal_rows(2, rows * of.width);
  const auto dy = normal_rows(3, rows * of.width);
  const auto loss = [&] {
    const auto y = of.forward(x);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
  };
  loss();
  const auto dx = of.backward(dy);
  constexpr double step = 1e-5;
  const auto coprime_step = [](const std::string& path, std::size_t size) {
    auto between =
        1 + static_cast<std::size_t>(lc::random_uniform(path.size(), 14, size) * static_cast<double>(size - 1));
    while (std::gcd(between, size) != 1) ++between;
    return between;
  };
  const auto check = [&](const std::string& path, std::size_t size, auto&& gradient, auto&& get, auto&& set) {
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < size; ++i) largest = worse(largest, std::abs(gradient(i)));
    for (std::size_t n = 0; n < std::min(size, moved_numbers); ++n) {
      // A step that shares no factor with the size meets no number twice.
      const std::size_t step_between = size <= moved_numbers ? 1 : coprime_step(path, size);
      const std::size_t i = n * step_between % size;
      const double kept = get(i);
      set(i, kept + step);
      const double above = loss();
      set(i, kept - step);
      const double below = loss();
      set(i, kept);
      worst = worse(worst, std::abs((above - below) / (2 * step) - gradient(i)));
    }
    INFO(path, ": ", worst, " of ", largest);
    CHECK(worst <= 1e-6 * std::max(largest, 1e-3));
  };
  std::vector<row_numbers> all;
  for (const any_tensor& gradient : of.gradients) {
    all.emplace_back();
    for (std::size_t i = 0; i < gradient.size; ++i) all.back().push_back(gradient.at(i));
  }
  for (std::size_t p = 0; p < of.parameters.size(); ++p) {
    const any_tensor& tensor = of.parameters[p];
    check(
        tensor.path, tensor.size, [&](std::size_t i) { return all[p][i]; }, [&](std::size_t i) { return tensor.at(i); },
        [&](std::size_t i, double to) { tensor.set(i, to); });
  }
  check(
      "x", x.size(), [&](std::size_t i) { return dx[i]; }, [&](std::size_t i) { return x[i]; },
      [&](std::size_t i, double to) { x[i] = to; });
}

inline void later_tokens_change_nothing(any_attention& of) {
  const auto x = normal_rows(4, of.tokens * of.width);
  const auto y = of.forward(x);
  for (std::size_t changed : {std::size_t{1}, of.tokens / 2, of.tokens - 1}) {
    auto other = x;
    for (std::size_t i = changed * of.width; i < (changed + 1) * of.width; ++i) other[i] = 5 - other[i];
    const auto z = of.forward(other);
    INFO("token ", changed);
    CHECK(same_bits(y.data(), z.data(), changed * of.width));
    CHECK(!same_bits(y.data() + changed * of.width, z.data() + changed * of.width, (of.tokens - changed) * of.width));
  }
}

/// Rows that do not see a token are the same whatever it holds: forward where it holds no numbers, backward where they
/// are huge (rows that see it have an adjoint of 0 there, and 0 times no number would be none).
inline void unseen_tokens_do_not_exist(any_attention& of, const promises& promised, double tolerance = 0) {
  if (promised.sees == nullptr) return;
  const auto x = normal_rows(5, of.tokens * of.width);
  const auto y = of.forward(x);
  std::size_t unseen = 0, changed = 0;
  double most = 0;
  for (std::size_t key = 0; key < of.tokens; key += 3) {
    const auto with_key = [&](double number) {
      auto poisoned = x;
      for (std::size_t i = key * of.width; i < (key + 1) * of.width; ++i) poisoned[i] = number;
      return poisoned;
    };
    const auto z = of.forward(with_key(std::numeric_limits<double>::quiet_NaN()));
    row_numbers dy(of.tokens * of.width);
    for (std::size_t t = 0; t < of.tokens; ++t) {
      if (t == key || promised.sees(t, key, of.tokens)) continue;
      ++unseen;
      const auto row = [&](const row_numbers& from) {
        return row_numbers(from.begin() + static_cast<std::ptrdiff_t>(t * of.width),
                           from.begin() + static_cast<std::ptrdiff_t>((t + 1) * of.width));
      };
      changed += apart(row(z), row(y)) <= tolerance ? 0 : 1;
      for (std::size_t c = 0; c < of.width; ++c) dy[t * of.width + c] = x[t * of.width + c];
    }
    if (!promised.learns) continue;
    of.forward(x);
    const auto expected = of.backward(dy);
    of.forward(with_key(1e6));
    most = std::max(most, apart(of.backward(dy), expected));
  }
  INFO(unseen, " rows do not see a token");
  CHECK(changed == 0);
  // Without a key that is not seen there was nothing to check: only `full` may say so.
  CHECK((unseen > 0 || promised.sees == &lc::allows<lc::full>));
  CHECK(most <= (tolerance == 0 ? 1e-12 : 1e-5));
}

/// A token that sees nothing and that nobody sees may hold no numbers, forward and backward.
inline void padding_does_not_exist(any_attention& of, std::size_t padded, double tolerance) {
  auto x = normal_rows(12, of.tokens * of.width), dy = normal_rows(13, of.tokens * of.width);
  for (std::size_t c = 0; c < of.width; ++c) dy[padded * of.width + c] = 0;
  const auto y = of.forward(x), dx = of.backward(dy);
  for (std::size_t c = 0; c < of.width; ++c) x[padded * of.width + c] = std::numeric_limits<double>::quiet_NaN();
  CHECK(apart(of.forward(x), y) <= tolerance);
  CHECK(apart(of.backward(dy), dx) <= tolerance);
}

/// Without positions and with every key seen, tokens may change places.
inline void order_does_not_matter(any_attention& of) {
  const auto x = normal_rows(6, of.tokens * of.width);
  const auto y = of.forward(x);
  row_numbers turned(x.size()), expected(x.size());
  for (std::size_t t = 0; t < of.tokens; ++t) {
    const std::size_t from = (7 * t + 3) % of.tokens;
    for (std::size_t c = 0; c < of.width; ++c) {
      turned[t * of.width + c] = x[from * of.width + c];
      expected[t * of.width + c] = y[from * of.width + c];
    }
  }
  CHECK(apart(of.forward(turned), expected) < 1e-12);
}

/// The same numbers on two backends or two precisions, forward and backward.
inline void backends_agree(any_attention& of, any_attention& other, const promises& promised, double tolerance) {
  for (const std::size_t rows : {of.tokens, of.tokens - 9}) {
    const auto x = normal_rows(7, rows * of.width), dy = normal_rows(8, rows * of.width);
    const auto y = of.forward(x);
    CHECK(apart(other.forward(x), y) < tolerance);
    if (!promised.learns) continue;
    const auto dx = of.backward(dy);
    CHECK(apart(other.backward(dy), dx) < 4 * tolerance);
    REQUIRE(of.gradients.size() == other.gradients.size());
    for (std::size_t p = 0; p < of.gradients.size(); ++p) {
      row_numbers expected, found;
      for (std::size_t i = 0; i < of.gradients[p].size; ++i)
        expected.push_back(of.gradients[p].at(i)), found.push_back(other.gradients[p].at(i));
      INFO(of.gradients[p].path);
      CHECK(apart(found, expected) < 4 * tolerance);
    }
  }
}

inline void counters_tell_the_cost(any_attention& of, bool exactly) {
  for (const std::size_t rows : {of.tokens, std::size_t{17}, std::size_t{1}}) {
    of.forward(normal_rows(9, rows * of.width));
    INFO(rows, " rows");
    if (exactly)
      CHECK(of.counted == of.cost(0, rows));
    else
      CHECK(of.counted <= of.cost(0, rows));
    CHECK(of.counted > 0);
  }
}

/// However a stream is cut, every row is the same to the last bit.
inline void a_stream_may_be_cut(any_attention& of, double tolerance = 0) {
  const auto x = normal_rows(10, of.tokens * of.width);
  const auto whole = of.forward(x);
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{16}, std::size_t{33}}) {
    row_numbers pieces;
    for (std::size_t first = 0; first < of.tokens; first += step) {
      const std::size_t end = std::min(of.tokens, first + step);
      const auto piece = of.forward({x.begin() + static_cast<std::ptrdiff_t>(first * of.width),
                                     x.begin() + static_cast<std::ptrdiff_t>(end * of.width)},
                                    first);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    INFO("in pieces of ", step);
    CHECK((tolerance == 0 ? same_bits(pieces.data(), whole.data(), whole.size()) : apart(pieces, whole) <= tolerance));
  }
}

inline void draws_are_the_same(any_attention& of, any_attention& again) {
  const auto x = normal_rows(11, of.tokens * of.width);
  const auto y = of.forward(x), z = again.forward(x);
  CHECK(same_bits(y.data(), z.data(), y.size()));
}

/// One composition by two schedules, forward and backward: gradients of the same path, whatever else one of them has.
inline void schedules_agree(any_attention& of, any_attention& other, double tolerance = 1e-11) {
  randomise(of);
  randomise(other);
  const auto x = normal_rows(7, of.tokens * of.width), dy = normal_rows(8, of.tokens * of.width);
  const auto y = of.forward(x);
  CHECK(apart(other.forward(x), y) < tolerance);
  const auto dx = of.backward(dy);
  CHECK(apart(other.backward(dy), dx) < tolerance);
  REQUIRE(of.gradients.size() >= 4);
  for (const any_tensor& gradient : of.gradients) {
    const any_tensor* same = find(other.gradients, gradient.path.c_str());
    INFO(gradient.path);
    REQUIRE(same != nullptr);
    row_numbers expected, found;
    for (std::size_t i = 0; i < gradient.size; ++i) expected.push_back(gradient.at(i)), found.push_back(same->at(i));
    CHECK(apart(found, expected) < tolerance);
  }
}

/// The lengths of the sequences in a stream of 50 rows.
inline constexpr std::uint32_t lengths_of_sequences[]{13, 1, 36};
struct three_sequences {
  template <class Value, class Shared>
  void assign(Shared& shared, std::size_t) const {
    REQUIRE(shared.try_assign(lc::sequence_lengths{lengths_of_sequences, 3}).ok());
  }
};
/// Each sequence of a stream as if it were alone: rows, adjoints of rows, and gradients, which add up.
inline void sequences_are_told_apart(any_attention& packed, any_attention& alone, double tolerance) {
  randomise(packed);
  randomise(alone);
  const auto x = normal_rows(15, packed.tokens * packed.width), dy = normal_rows(16, packed.tokens * packed.width);
  const auto y = packed.forward(x), dx = packed.backward(dy);
  REQUIRE(packed.gradients.size() == alone.gradients.size());
  std::vector<row_numbers> sums;
  for (const any_tensor& gradient : alone.gradients) sums.emplace_back(gradient.size, 0.0);
  row_numbers rows, adjoints;
  std::size_t first = 0;
  for (const std::size_t length : lengths_of_sequences) {
    const auto part = [&](const row_numbers& of) {
      const auto from = of.begin() + static_cast<std::ptrdiff_t>(first * packed.width);
      return row_numbers(from, from + static_cast<std::ptrdiff_t>(length * packed.width));
    };
    const auto own = alone.forward(part(x)), down = alone.backward(part(dy));
    rows.insert(rows.end(), own.begin(), own.end()), adjoints.insert(adjoints.end(), down.begin(), down.end());
    for (std::size_t p = 0; p < sums.size(); ++p)
      for (std::size_t i = 0; i < sums[p].size(); ++i) sums[p][i] += alone.gradients[p].at(i);
    first += length;
  }
  CHECK(apart(y, rows) < tolerance);
  CHECK(apart(dx, adjoints) < 4 * tolerance);
  for (std::size_t p = 0; p < sums.size(); ++p) {
    INFO(packed.gradients[p].path);
    row_numbers found;
    for (std::size_t i = 0; i < sums[p].size(); ++i) found.push_back(packed.gradients[p].at(i));
    CHECK(apart(found, sums[p]) < 4 * tolerance);
  }
}

/// All checks of a composition. `Fast` is the backend to compare with.
template <class Attention, class Fast, class Inputs = tokens_alone, lc::extent_t Width = 16, lc::extent_t Tokens = 50>
void check(const char* name, const promises& promised, bool exact_cost = true) {
  INFO(std::string(name));
  using oracle = attention_rig<Attention, double, lc::reference, Width, Tokens, Inputs>;
  oracle of, again;
  randomise(of);
  randomise(again);
  weights_sum(of, promised);
  if (promised.learns) {
    // Many numbers on a stream of two blocks of keys, and some on the whole; fewer where sanitizers slow every forward.
    gradients_are_differences(of, std::min(of.tokens, std::size_t{27}), LACUNA_TESTS_SANITIZED ? 12 : 200);
    gradients_are_differences(of, of.tokens, LACUNA_TESTS_SANITIZED ? 4 : 12);
  }
  if (promised.causal) later_tokens_change_nothing(of);
  if (promised.causal) a_stream_may_be_cut(of);
  unseen_tokens_do_not_exist(of, promised);
  if (!promised.ordered) order_does_not_matter(of);
  counters_tell_the_cost(of, exact_cost);
  draws_are_the_same(of, again);
  attention_rig<Attention, float, Fast, Width, Tokens, Inputs> quick;
  randomise(quick);
  backends_agree(of, quick, promised, 1e-5);
  unseen_tokens_do_not_exist(quick, promised, 2e-6);
  if (promised.causal) later_tokens_change_nothing(quick);
  if (promised.causal) a_stream_may_be_cut(quick, 2e-6);
  counters_tell_the_cost(quick, exact_cost);
}

}  // namespace attention_kit
