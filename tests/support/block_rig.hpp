#pragma once
/// One block with everything it needs to run and to learn, without a decoder around it.

#include <lacuna/lacuna.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// A tensor of any shape and the path that leads to it.
template <class Value>
struct named_tensor {
  std::string path;
  Value* data;
  std::size_t size;
};
template <class Value>
using named_tensors = std::vector<named_tensor<Value>>;

/// Collects tensors on a walk; one type for all structs, so that a walk is compiled once for each.
template <class Value>
struct tensor_collector {
  named_tensors<Value>& all;
  template <class Tensor>
  void operator()(const char* path, Tensor& of) const {
    all.push_back({path, of.data, Tensor::size});
  }
};
template <class Value, class Struct>
named_tensors<Value> named_tensors_of(Struct& of) {
  named_tensors<Value> all;
  lacuna::visit_named(tensor_collector<Value>{all}, of);
  return all;
}

/// All numbers, by path.
using tensor_map = std::map<std::string, std::vector<double>>;
template <class Value>
tensor_map numbers_of(const named_tensors<Value>& from) {
  tensor_map all;
  for (const auto& of : from) all[of.path].assign(of.data, of.data + of.size);
  return all;
}
/// Writes every tensor from a map, in which it is called `name(path)`.
template <class Value, class Name>
void write_numbers(const named_tensors<Value>& to, const tensor_map& from, Name&& name) {
  for (const auto& of : to) {
    const auto& numbers = from.at(name(of.path));
    for (std::size_t i = 0; i < of.size; ++i) of.data[i] = static_cast<Value>(numbers.at(i));
  }
}
/// Adds normal values of the given spread, which depend on a tensor's path alone: the same in blocks of other types.
template <class Value>
void randomise_by_path(const named_tensors<Value>& to, std::uint64_t seed, double spread) {
  for (const auto& of : to) {
    std::uint64_t mixed = seed;
    for (const char letter : of.path) mixed = mixed * 1099511628211u + static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < of.size; ++i)
      of.data[i] += static_cast<Value>(spread * lacuna::random_normal(mixed, 5, i));
  }
}
/// The paths in order, one per line.
template <class Value>
std::string paths_of(const named_tensors<Value>& from) {
  std::string all;
  for (const auto& of : from) all += of.path + "\n";
  return all;
}
/// Normal values.
inline std::vector<double> random_rows(std::uint64_t seed, std::size_t count) {
  std::vector<double> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = lacuna::random_normal(seed, 6, i);
  return all;
}

/// A block behind an interface, so that what is asked of it is compiled once for all blocks.
template <class Value>
struct any_block {
  virtual ~any_block() = default;
  /// The rows of the output; everything is kept for `backward`.
  virtual std::vector<Value> forward(std::vector<Value> x) = 0;
  /// The adjoint of the input; gradients are added.
  virtual std::vector<Value> backward(std::vector<Value> dy) = 0;
  named_tensors<Value> parameters, gradients;
};

/// Runs `Block` on streams of up to 20 tokens of `Width` columns; one that does not learn compiles faster.
template <class Block, class Value, lacuna::extent_t Width, bool Learns = true>
class block_rig : public any_block<Value> {
 public:
  static constexpr lacuna::extent_t context = 20;
  using bound = typename Block::template bound<lacuna::place<Width, context>>;
  using plan = lacuna::keep<Value, context>;
  using view = lacuna::rows<Value, Width>;

  block_rig() {
    bound::initialise(parts_->parameters);
    parts_->shared.build();
    this->parameters = named_tensors_of<Value>(parts_->parameters);
    this->gradients = named_tensors_of<Value>(parts_->gradients);
  }
  std::vector<Value> forward(std::vector<Value> x) override {
    x_ = x;
    std::vector<Value> y(x.size());
    parts_->shared.prepare(0, x.size() / Width);
    bound::refresh(parts_->parameters, parts_->derived);
    bound::forward(values(), rows(x_), rows(y), run());
    return y;
  }
  std::vector<Value> backward(std::vector<Value> dy) override {
    std::vector<Value> dx(x_.size());
    if constexpr (Learns) {
      for (const auto& of : named_tensors_of<Value>(parts_->state_adjoint)) std::fill_n(of.data, of.size, Value(0));
      bound::backward(values(), lacuna::adjoints{parts_->gradients, parts_->state_adjoint, parts_->memory_adjoint},
                      rows(x_), rows(dy), rows(dx), run());
    }
    return dx;
  }

 private:
  struct all_parts {
    typename bound::template parameters<lacuna::weights<Value>> parameters{};
    typename bound::template parameters<lacuna::gradients<Value>> gradients{};
    typename bound::template state<lacuna::weights<Value>> state{};
    typename bound::template state<lacuna::gradients<Value>> state_adjoint{};
    typename bound::template memory<plan> memory{};
    typename bound::template memory<lacuna::reuse<Value, context>> memory_adjoint{};
    typename bound::template derived<lacuna::target<Value, Value, lacuna::reference>> derived{};
    lacuna::shared_items<typename bound::template shares<plan>> shared{};
  };
  static view rows(std::vector<Value>& of) { return view(of.data(), of.size() / Width); }
  auto values() { return lacuna::values{parts_->parameters, parts_->state, parts_->memory, parts_->derived}; }
  auto run() const { return lacuna::run<lacuna::reference, decltype(parts_->shared)>{0, backend_, parts_->shared}; }

  std::unique_ptr<all_parts> parts_ = std::make_unique<all_parts>();
  std::vector<Value> x_;
  lacuna::reference backend_{};
};

inline bool is_norm(const std::string& path) { return path.find("norm.") != std::string::npos; }

/// Output, adjoint of the input and gradients of a block with parameters drawn by path.
struct trace {
  std::vector<double> y, dx;
  tensor_map gradients;
  std::string paths;
  bool operator==(const trace&) const = default;
};
inline trace trace_of(any_block<double>& block, std::size_t numbers) {
  trace all;
  all.y = block.forward(random_rows(1, numbers));
  all.dx = block.backward(random_rows(2, numbers));
  all.gradients = numbers_of(block.gradients);
  all.paths = paths_of(block.parameters);
  return all;
}

/// The largest difference, relative to the largest number.
inline double difference(const std::vector<double>& found, const std::vector<double>& wanted) {
  double most = 0, largest = 0;
  if (found.size() != wanted.size()) return HUGE_VAL;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double mine = std::fabs(found[i] - wanted[i]);
    if (!(mine < HUGE_VAL)) return HUGE_VAL;  // NaN is further than everything
    most = std::max(most, mine);
    largest = std::max(largest, std::fabs(wanted[i]));
  }
  return most / largest;
}
