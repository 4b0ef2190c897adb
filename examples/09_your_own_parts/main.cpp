// Four parts that the library does not have, one struct each: a route, a normaliser, an activation and a component.
// They learn a small task beside the library's own parts, and run on the fast paths where one exists: the program prints
// which. docs/how_to/write_a_policy.md explains what each kind of part promises.
#include "../support/fast.hpp"

#include <lacuna/lacuna.hpp>
#include <cstdio>
#include <cstdlib>
namespace lc = lacuna;

/// A route: what a row's own block of four tokens holds so far, and every other block before it. `spans` is all it takes
/// for the block plan, the counts of pairs and the vectorised kernels.
struct every_other_block {
  using slot = lc::slots::route;
  static constexpr auto name = lc::fixed_string("every_other_block");
  static constexpr lc::extent_t most = 16;

  static constexpr lc::spans<most> spans(lc::extent_t query, lc::extent_t) {
    lc::spans<most> seen;
    const lc::extent_t own = query / 4;
    for (lc::extent_t block = own % 2; block < own; block += 2) seen.add(4 * block, 4 * block + 4);
    seen.add(4 * own, query + 1);
    return seen;
  }
};
static_assert(lc::allows<every_other_block>(9, 1, 10) && !lc::allows<every_other_block>(9, 5, 10));

/// A normaliser: scores bend smoothly towards 20 and -20. Written with lc::maths alone, it says that it takes whole registers.
struct capped_softmax : lc::softmax {
  using lane_wise = capped_softmax;
  static constexpr auto name = lc::fixed_string("capped_softmax");
  template <class Value>
  static constexpr Value map(Value score) {
    return Value(20) * lc::maths::tanh(score * Value(0.05));
  }
  template <class Value>
  static constexpr Value map_derivative(Value score) {
    const Value bent = lc::maths::tanh(score * Value(0.05));
    return Value(1) - bent * bent;
  }
};

/// An activation: x for positive numbers, a soft bend to -1 for others.
struct elu {
  using slot = lc::slots::activation;
  using lane_wise = elu;
  static constexpr auto name = lc::fixed_string("elu");
  static constexpr bool preserves_zero = true;
  template <class Value>
  static constexpr Value value(Value x) {
    return lc::maths::where(lc::maths::less(Value(0), x), x, lc::maths::exp(below(x)) - Value(1));
  }
  template <class Value>
  static constexpr Value derivative(Value x) {
    return lc::maths::where(lc::maths::less(Value(0), x), Value(1), lc::maths::exp(below(x)));
  }

 private:
  /// Both sides of `where` are computed: the exponential of large numbers must not overflow.
  template <class Value>
  static constexpr Value below(Value x) {
    return lc::maths::where(lc::maths::less(Value(0), x), Value(0), x);
  }
};

/// A component: a decaying mean of the stream, `trace = decay * trace + x`, times a learned gain per column. Its state
/// is one row, however long the stream.
struct decaying_trace {
  using slot = lc::slots::sublayer;
  static constexpr auto name = lc::fixed_string("decaying_trace");
  static constexpr auto role = lc::fixed_string("trace");  // in checkpoints: blocks.0.trace.gain
  static constexpr float decay = 0.75f;

  template <class At>
  struct bound {
    using out = At;
    template <class Role>
    struct parameters {
      typename Role::template tensor<At::width> gain;
      template <class Visitor, class... Structs>
      static constexpr void visit(Visitor&& v, Structs&... s) {
        v("gain", s.gain...);
      }
    };
    template <class Role>
    struct state {
      typename Role::template tensor<1, At::width> last;
      template <class Visitor, class... Structs>
      static constexpr void visit(Visitor&& v, Structs&... s) {
        v("last", s.last...);
      }
    };
    template <class Plan>
    struct memory {
      typename Plan::template buffer<At::width> trace;  // as an adjoint: what later tokens ask of a trace
    };
    template <class Target>
    struct derived {};
    template <class Plan>
    using shares = lc::type_list<>;
    template <class Parameters, class Derived>
    static constexpr void refresh(const Parameters&, Derived&) {}
    template <class Parameters>
    static constexpr void initialise(Parameters&) {}

    template <class Values, class Value, class Run>
    static constexpr void forward(Values v, lc::rows<Value, At::width> x, lc::rows<Value, At::width> y,
                                  const Run& run) {
      const auto trace = v.memory.trace.first(x.count);
      const lc::rows<Value, At::width> last(v.state.last.data, 1);
      if (run.first == 0) last.fill(0);
      for (lc::extent_t t = 0; t < x.count; ++t) {
        lc::op::evaluate(last, last * Value(decay) + x.slice(t, 1), run.backend);
        lc::op::evaluate(trace.slice(t, 1), last, run.backend);
      }
      lc::op::evaluate(y, trace * v.parameters.gain, run.backend);
    }
    template <class Values, class Adjoints, class Value, class Run>
    static constexpr void backward(Values v, Adjoints a, lc::rows<Value, At::width> x, lc::rows<Value, At::width> dy,
                                   lc::rows<Value, At::width> dx, const Run& run) {
      lc::op::sum_over_tokens(a.gradients.gain, dy * v.memory.trace.first(x.count), x.count, run.backend);
      const auto later = a.memory.trace.first(x.count);
      lc::op::evaluate(later, dy * v.parameters.gain, run.backend);
      for (lc::extent_t t = x.count - 1; t > 0; --t)
        lc::op::evaluate(later.slice(t - 1, 1), later.slice(t - 1, 1) + later.slice(t, 1) * Value(decay), run.backend);
      lc::op::evaluate(dx, dx + later, run.backend);  // dx and gradients accumulate
    }
    static constexpr std::uint64_t multiply_adds(lc::extent_t, lc::extent_t) { return 0; }
    template <class Function>
    static constexpr void facts(Function&&) {}
    template <class Function>
    static constexpr void schedules(Function&&) {}
  };
};

using mine = lc::decoder<lc::vocabulary<16>, lc::width<32>, lc::context<64>,
    lc::pre_norm<lc::rms_norm<>,
        decaying_trace,
        lc::attention<lc::heads<2>, lc::rope<>, every_other_block, capped_softmax>,
        lc::ffn<lc::hidden<64>, elu>>>;

using examples::fast;

/// Tokens of which every one repeats the one eight before it, but for the first eight.
static void draw(std::uint64_t number, std::uint32_t (&tokens)[64]) {
  for (lc::extent_t t = 0; t < 64; ++t)
    tokens[t] = t < 8 ? static_cast<std::uint32_t>(16 * lc::random_uniform(7, number, t)) : tokens[t - 8];
}

int main() {
  static lc::model<mine, lc::training, fast> model;
  std::uint64_t counter = 0;
  lc::visit_tensors([&](auto& tensor) {
    for (auto& of : tensor.data) of += static_cast<float>(0.15 * lc::random_normal(1, 0, counter++));
  }, model.parameters_to_write());

  static lc::tensor<float, 63, 16> adjoint;
  std::uint32_t tokens[64];
  const auto loss = [&](std::uint64_t number) {
    model.update();
    draw(number, tokens);
    const auto logits = model.try_forward_to_learn({tokens, 63});
    return logits.ok() ? static_cast<double>(lc::mean_cross_entropy(*logits, {tokens + 1, 63}, adjoint.first(63))) : 1e9;
  };
  const double before = loss(1'000'000);
  constexpr std::uint64_t steps = 4000;
  for (std::uint64_t step = 0; step < steps; ++step) {
    model.clear_gradients();
    loss(step);
    if (!model.try_backward({tokens, 63}, adjoint.first(63)).ok()) return EXIT_FAILURE;
    lc::visit_tensors([](auto& weight, const auto& gradient) {
      for (lc::extent_t i = 0; i < gradient.size; ++i) weight[i] -= 0.3f * gradient[i];
    }, model.parameters_to_write(), model.gradients_to_write());
  }
  const double after = loss(1'000'000);
  // Seven of the 63 targets are random: the best possible loss is a ninth of chance.
  std::printf("loss on new tokens: %.2f before, %.2f after %d steps (chance %.2f, the best possible %.2f)\n\n", before,
              after, static_cast<int>(steps), lc::maths::log(16.0), lc::maths::log(16.0) / 9);
  lc::describe<lc::model<mine, fast>>();
  return after < before / 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
