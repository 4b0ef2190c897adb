#pragma once
/// Products of weights of eight bits on lanes. The weight is read as it is stored, row by row: four outputs at a time,
/// for one token and for many, so that nothing is packed.

#include <lacuna/backend/lanes/unroll.hpp>
#include <lacuna/backend/simd/bytes.hpp>
#include <lacuna/core/in_turn.hpp>
#include <lacuna/op/multiply_quantized.hpp>

LACUNA_BEGIN

namespace simd_lanes {

/// Tokens of the largest tile of four outputs.
inline constexpr extent_t tokens_of_a_tile =
#if defined(__AVX512F__) || defined(__aarch64__)
    4;
#else
    2;
#endif
/// Tokens that one pass over a weight serves: so many that their rows stay in the nearest caches.
inline constexpr extent_t tokens_of_a_pass = 64;
/// How far ahead of its use the weight of a single token is asked for.
inline constexpr extent_t bytes_ahead = 4096;
/// Outputs of one task for an executor.
inline constexpr extent_t outputs_of_a_task = 64;
/// Products with fewer multiply-adds are not worth a second thread.
inline constexpr extent_t quantized_task_work = extent_t{1} << 18;

/// Where the four rows of a tile begin; behind the last output the last row stands in.
template <extent_t Inputs>
struct four_rows {
  const std::int8_t* row[4];
  LACUNA_INLINE four_rows(const std::int8_t* weight, extent_t output, extent_t part) noexcept {
    for (extent_t r = 0; r < 4; ++r) row[r] = weight + (output + (r < part ? r : 0)) * Inputs;
  }
};

/// Sums of products of bytes: `to[token]` holds those of four outputs.
template <extent_t Tokens, extent_t Inputs>
LACUNA_INLINE void sum_products(four_integers (&to)[Tokens], const four_rows<Inputs>& weight, const std::int8_t* x,
                                extent_t stride) noexcept {
  constexpr extent_t width = byte_lanes::count, part = Inputs % width;
  byte_lanes::sums sums[Tokens][4];
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
    by_lanes::unroll<4>([&](extent_t r) LACUNA_UNROLLED { sums[t][r] = byte_lanes::sums{}; });
  });
  // Four rows side by side are no order that a processor foresees: what comes is asked for, line by line.
  const std::uintptr_t ahead = reinterpret_cast<std::uintptr_t>(weight.row[0]) + bytes_ahead;
  const auto step = [&](extent_t i, auto load) LACUNA_UNROLLED {
    if constexpr (Tokens == 1)
      by_lanes::unroll<4 * width / 64>(
          [&](extent_t line) LACUNA_UNROLLED { prefetch(reinterpret_cast<const void*>(ahead + 4 * i + line * 64)); });
    byte_lanes::inputs inputs[Tokens];
    by_lanes::unroll<Tokens>([&](extent_t t)
                                 LACUNA_UNROLLED { inputs[t] = byte_lanes::load_inputs(x + t * stride + i); });
    by_lanes::unroll<4>([&](extent_t r) LACUNA_UNROLLED {
      const byte_lanes::weights weights = load(weight.row[r] + i);
      by_lanes::unroll<Tokens>(
          [&](extent_t t) LACUNA_UNROLLED { sums[t][r] = byte_lanes::add_products(sums[t][r], weights, inputs[t]); });
    });
  };
  for (extent_t i = 0; i + width <= Inputs; i += width)
    step(i, [](const std::int8_t* from) LACUNA_UNROLLED { return byte_lanes::load_weights(from); });
  if constexpr (part != 0)
    step(Inputs - part,
         [](const std::int8_t* from) LACUNA_UNROLLED { return byte_lanes::template load_weights_part<part>(from); });
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED { to[t] = word_sums_across(sums[t]); });
}

/// Sums of products of bytes and f32.
template <extent_t Tokens, extent_t Inputs>
LACUNA_INLINE void sum_products(four_floats (&to)[Tokens], const four_rows<Inputs>& weight, const float* x,
                                extent_t stride) noexcept {
  constexpr extent_t width = lanes::lane_count, part = Inputs % width;
  lanes sums[Tokens][4];
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
    by_lanes::unroll<4>([&](extent_t r) LACUNA_UNROLLED { sums[t][r] = lanes(0.0f); });
  });
  extent_t i = 0;
  const auto step = [&](const lanes(&inputs)[Tokens], auto load) LACUNA_UNROLLED {
    by_lanes::unroll<4>([&](extent_t r) LACUNA_UNROLLED {
      const lanes weights = load(weight.row[r] + i);
      by_lanes::unroll<Tokens>([&](extent_t t)
                                   LACUNA_UNROLLED { sums[t][r] = multiply_add(weights, inputs[t], sums[t][r]); });
    });
  };
  lanes inputs[Tokens];
  for (; i + width <= Inputs; i += width) {
    by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED { inputs[t] = lanes::load(x + t * stride + i); });
    step(inputs, [](const std::int8_t* from) LACUNA_UNROLLED { return widened(from); });
  }
  if constexpr (part != 0) {
    by_lanes::unroll<Tokens>([&](extent_t t)
                                 LACUNA_UNROLLED { inputs[t] = lanes::load_part(x + t * stride + i, part); });
    step(inputs, [](const std::int8_t* from) LACUNA_UNROLLED { return widened_part<part>(from); });
  }
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED { to[t] = first_four(sums_across(sums[t])); });
}

/// Rows of bytes: what is taken off the sums of each token, and its scale.
template <extent_t Inputs>
struct rows_of_bytes {
  quantized_rows<const std::int8_t, const float, Inputs> x;
  /// Modulo 2^32, as the sums that it is taken off: the difference is exact.
  std::uint32_t too_much[byte_lanes::offset ? tokens_of_a_pass : 1]{};

  explicit rows_of_bytes(const quantized_rows<const std::int8_t, const float, Inputs>& of) noexcept : x(of) {}
  /// Begins a pass of `count` tokens.
  template <class Bytes = byte_lanes>
  LACUNA_INLINE void begin(extent_t first, extent_t count) noexcept {
    if constexpr (Bytes::offset)
      for (extent_t t = 0; t < count; ++t) {
        typename Bytes::sums sums{};
        for (extent_t i = 0; i < Inputs; i += Bytes::count)
          sums = Bytes::add_inputs(sums, Bytes::load_inputs(x.row(first + t) + i));
        too_much[t] = 128u * static_cast<std::uint32_t>(sum_across(sums));
      }
  }
  /// `f(token, four products)` of a tile that begins at token `done` of a pass from `first`.
  template <extent_t Tokens, class Function>
  LACUNA_INLINE void multiply(const four_rows<Inputs>& weight, extent_t first, extent_t done, Function&& f) const {
    four_integers sums[Tokens];
    sum_products<Tokens, Inputs>(sums, weight, x.row(first + done), x.stride);
    by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
      four_integers sum = sums[t];
      if constexpr (byte_lanes::offset) {
        using words = std::uint32_t __attribute__((vector_size(16)));
        sum = __builtin_bit_cast(four_integers, __builtin_bit_cast(words, sum) - too_much[done + t]);
      }
      f(first + done + t, __builtin_convertvector(sum, four_floats) * x.scales[first + done + t]);
    });
  }
};
/// Rows of f32.
template <extent_t Inputs>
struct rows_of_floats {
  rows<const float, Inputs> x;
  explicit rows_of_floats(rows<const float, Inputs> of) noexcept : x(of) {}
  LACUNA_INLINE void begin(extent_t, extent_t) const noexcept {}
  template <extent_t Tokens, class Function>
  LACUNA_INLINE void multiply(const four_rows<Inputs>& weight, extent_t first, extent_t done, Function&& f) const {
    four_floats sums[Tokens];
    sum_products<Tokens, Inputs>(sums, weight, x.row(first + done), Inputs);
    by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED { f(first + done + t, sums[t]); });
  }
};

/// Calls `f(token, first output, how many outputs, four products before the scales of the outputs)`.
template <extent_t Inputs, class Rows, class Function>
LACUNA_INLINE void for_each_product(Rows& rows, extent_t tokens, const std::int8_t* weight, extent_t first_output,
                                    extent_t last_output, Function&& f) noexcept {
  for (extent_t first = 0; first < tokens; first += tokens_of_a_pass) {
    const extent_t count = tokens - first < tokens_of_a_pass ? tokens - first : tokens_of_a_pass;
    rows.begin(first, count);
    for (extent_t output = first_output; output < last_output; output += 4) {
      const extent_t part = last_output - output < 4 ? last_output - output : 4;
      const four_rows<Inputs> four(weight, output, part);
      const auto finish = [&](extent_t token, four_floats products)
                              LACUNA_UNROLLED { f(token, output, part, products); };
      extent_t done = 0;
      for (; done + tokens_of_a_tile <= count; done += tokens_of_a_tile)
        rows.template multiply<tokens_of_a_tile>(four, first, done, finish);
      for (; done < count; ++done) rows.template multiply<1>(four, first, done, finish);
    }
  }
}

/// y = x W^T, x in bytes or in f32: stretches of outputs by an executor.
template <class Rows, class Element, extent_t Outputs, extent_t Inputs, class Executor>
void multiply_bytes(rows<float, Outputs> y, const Rows& x, const quantized_matrix<Element, Outputs, Inputs>& weight,
                    const Executor& executor) noexcept {
  const auto stretch = [&](extent_t from, extent_t to) {
    Rows mine = x;
    for_each_product<Inputs>(mine, y.count, weight.integers, from, to,
                             [&](extent_t t, extent_t o, extent_t part, four_floats products) LACUNA_UNROLLED {
                               store_some(y.row(t) + o, products * load_some(weight.scales + o, part), part);
                             });
  };
  constexpr extent_t tasks = (Outputs + outputs_of_a_task - 1) / outputs_of_a_task;
  if (!executor.parallel || y.count * Outputs * Inputs < quantized_task_work)
    stretch(0, Outputs);
  else
    executor.for_each(tasks, [&](extent_t task) {
      stretch(task * outputs_of_a_task, task + 1 == tasks ? Outputs : (task + 1) * outputs_of_a_task);
    });
}

/// dscale += sum over tokens of dy times the products.
template <class Rows, class Element, extent_t Outputs, extent_t Inputs>
void add_to_scales(float* dscale, rows<const float, Outputs> dy, Rows x,
                   const quantized_matrix<Element, Outputs, Inputs>& weight) noexcept {
  for_each_product<Inputs>(x, dy.count, weight.integers, 0, Outputs,
                           [&](extent_t t, extent_t o, extent_t part, four_floats products) LACUNA_UNROLLED {
                             store_some(dscale + o,
                                        load_some(dscale + o, part) + load_some(dy.row(t) + o, part) * products, part);
                           });
}

/// dx += dy W for `Tokens` rows, `Registers` registers of columns from `first` on, the last with `Part` of them.
template <extent_t Tokens, extent_t Registers, extent_t Part, class Element, extent_t Outputs, extent_t Inputs>
LACUNA_INLINE void add_bytes_transposed(rows<float, Inputs> dx, rows<const float, Outputs> dy,
                                        const quantized_matrix<Element, Outputs, Inputs>& weight, extent_t token,
                                        extent_t first) noexcept {
  constexpr extent_t width = lanes::lane_count;
  lanes sums[Tokens][Registers];
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
    by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED { sums[t][r] = lanes(0.0f); });
  });
  for (extent_t o = 0; o < Outputs; ++o) {
    const std::int8_t* w = weight.row(o) + first;
    lanes weights[Registers];
    by_lanes::unroll<Registers>([&](auto r) LACUNA_UNROLLED {
      if constexpr (r + 1 == Registers && Part != width)
        weights[r] = widened_part<Part>(w + r * width);
      else
        weights[r] = widened(w + r * width);
    });
    by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
      const lanes scale(dy(token + t, o) * weight.scale(o));
      by_lanes::unroll<Registers>([&](extent_t r)
                                      LACUNA_UNROLLED { sums[t][r] = multiply_add(weights[r], scale, sums[t][r]); });
    });
  }
  by_lanes::unroll<Tokens>([&](extent_t t) LACUNA_UNROLLED {
    by_lanes::unroll<Registers>([&](extent_t r) LACUNA_UNROLLED {
      float* to = dx.row(token + t) + first + r * width;
      if (r + 1 == Registers && Part != width)
        (lanes::load_part(to, Part) + sums[t][r]).store_part(to, Part);
      else
        (lanes::load(to) + sums[t][r]).store(to);
    });
  });
}

}  // namespace simd_lanes

namespace operation {

/// Rows of eight bits, f32: see `op::quantize_rows`. The same bits as the reference.
template <extent_t Columns>
auto kernel(quantize_rows, const quantized_rows<std::int8_t, float, Columns>& y, rows<const float, Columns> x,
            const simd&) {
  using simd_lanes::lanes;
  constexpr extent_t width = lanes::lane_count, whole = Columns / width, part = Columns % width;
  for (extent_t t = 0; t < x.count; ++t) {
    const float* from = x.row(t);
    std::int8_t* to = y.row(t);
    // 0 times a number is 0, times what is none or infinite is none.
    lanes largest(0.0f), none(0.0f);
    const auto look = [&](lanes of) LACUNA_UNROLLED {
      largest = lane_larger(largest, maths::absolute(of));
      none = multiply_add(of, lanes(0.0f), none);
    };
    for (extent_t i = 0; i < whole; ++i) look(lanes::load(from + i * width));
    if constexpr (part != 0) look(lanes::load_part(from + whole * width, part));
    const row_quantizer<float> row(largest_of(largest), !maths::is_nan(sum_of(none)));
    y.scales[t] = row.scale;
    const lanes inverse(row.inverse);
    if (row.inverse == 0) {
      for (extent_t i = 0; i < y.stride; ++i) to[i] = 0;
      continue;
    }
    // A part is written like the others: there is room up to the stride.
    for (extent_t i = 0; i < whole; ++i) store_nearest(to + i * width, lanes::load(from + i * width) * inverse);
    if constexpr (part != 0) store_nearest(to + whole * width, lanes::load_part(from + whole * width, part) * inverse);
    for (extent_t i = (whole + (part != 0 ? 1 : 0)) * width; i < y.stride; ++i) to[i] = 0;
  }
  return ran_on<simd>{};
}

/// y = x W^T, x in f32: see `op::multiply_quantized`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_quantized, rows<float, Outputs> y, rows<const float, Inputs> x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd&) {
  simd_lanes::multiply_bytes(y, simd_lanes::rows_of_floats<Inputs>(x), weight, in_turn{});
  return ran_on<simd>{};
}

/// y = x W^T, x in bytes: see `op::multiply_integers`. The same bits as the reference.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_integers, rows<float, Outputs> y, const quantized_rows<const std::int8_t, const float, Inputs>& x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd&) {
  simd_lanes::multiply_bytes(y, simd_lanes::rows_of_bytes<Inputs>(x), weight, in_turn{});
  return ran_on<simd>{};
}

/// dx += dy W, f32: see `op::multiply_quantized_transposed`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(multiply_quantized_transposed, rows<float, Inputs> dx, rows<const float, Outputs> dy,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd&) {
  constexpr extent_t width = simd_lanes::lanes::lane_count, at_once = 4, wide = at_once * width;
  constexpr extent_t rest = Inputs % wide, registers = (rest + width - 1) / width;
  constexpr extent_t part = rest % width == 0 ? width : rest % width;
  const auto columns = [&](auto tokens, extent_t t) LACUNA_UNROLLED {
    for (extent_t i = 0; i + wide <= Inputs; i += wide)
      simd_lanes::add_bytes_transposed<tokens, at_once, width>(dx, dy, weight, t, i);
    if constexpr (rest != 0)
      simd_lanes::add_bytes_transposed<tokens, registers, part>(dx, dy, weight, t, Inputs - rest);
  };
  extent_t t = 0;
  for (; t + 2 <= dy.count; t += 2) columns(count_constant<2>{}, t);
  if (t < dy.count) columns(count_constant<1>{}, t);
  return ran_on<simd>{};
}

/// The gradient of scales, f32, of rows in f32 and in bytes: see `op::accumulate_scales`.
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(accumulate_scales, rows<float, Outputs> dscale, rows<const float, Outputs> dy, rows<const float, Inputs> x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd&) {
  simd_lanes::add_to_scales(dscale.data, dy, simd_lanes::rows_of_floats<Inputs>(x), weight);
  return ran_on<simd>{};
}
template <class Element, extent_t Outputs, extent_t Inputs>
  requires(same<compute_t<Element>, float>)
auto kernel(accumulate_scales, rows<float, Outputs> dscale, rows<const float, Outputs> dy,
            const quantized_rows<const std::int8_t, const float, Inputs>& x,
            const quantized_matrix<Element, Outputs, Inputs>& weight, const simd&) {
  simd_lanes::add_to_scales(dscale.data, dy, simd_lanes::rows_of_bytes<Inputs>(x), weight);
  return ran_on<simd>{};
}

}  // namespace operation

LACUNA_END
