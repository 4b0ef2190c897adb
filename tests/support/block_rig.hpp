#pragma once
/// One block with everything it needs to run and to learn, without a decoder around it.

#include <lacuna/lacuna.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

/// Runs `Block` on streams of up to 20 tokens of `Width` columns.
template <class Block, class Value, lacuna::extent_t Width>
class block_rig {
 public:
  static constexpr lacuna::extent_t context = 20;
  using value = Value;
  using at = lacuna::place<Width, context>;
  using bound = typename Block::template bound<at>;
  using plan = lacuna::keep<Value, context>;
  using view = lacuna::rows<Value, Width>;

  block_rig() {
    bound::initialise(parts_->parameters);
    parts_->shared.build();
  }
  auto& parameters() { return parts_->parameters; }
  auto& gradients() { return parts_->gradients; }

  /// The rows of the output; everything is kept for `backward`.
  std::vector<Value> forward(std::vector<Value> x) {
    x_ = x;
    std::vector<Value> y(x.size());
    parts_->shared.prepare(0, tokens());
    bound::refresh(parts_->parameters, parts_->derived);
    bound::forward(values(), rows(x_), rows(y), run());
    return y;
  }
  /// The adjoint of the input; gradients are added.
  std::vector<Value> backward(std::vector<Value> dy) {
    std::vector<Value> dx(x_.size());
    lacuna::visit_tensors([](auto& of) { of = {}; }, parts_->state_adjoint);
    bound::backward(values(), lacuna::adjoints{parts_->gradients, parts_->state_adjoint, parts_->memory_adjoint},
                    rows(x_), rows(dy), rows(dx), run());
    return dx;
  }
  lacuna::extent_t tokens() const { return x_.size() / Width; }

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
  auto run() const {
    return lacuna::run<lacuna::reference, decltype(parts_->shared)>{0, backend_, parts_->shared};
  }

  std::unique_ptr<all_parts> parts_ = std::make_unique<all_parts>();
  std::vector<Value> x_;
  lacuna::reference backend_{};
};

/// All tensors of a struct, by path.
using tensor_map = std::map<std::string, std::vector<double>>;
template <class Struct>
tensor_map tensors_by_path(Struct& of) {
  tensor_map all;
  lacuna::visit_named(
      [&](const char* path, const auto& tensor) { all[path].assign(std::begin(tensor.data), std::end(tensor.data)); },
      of);
  return all;
}
/// Writes every tensor from a map, in which it is called `name(path)`.
template <class Struct, class Name>
void write_by_path(Struct& of, const tensor_map& from, Name&& name) {
  lacuna::visit_named(
      [&](const std::string path, auto& tensor) {
        const auto& numbers = from.at(name(path));
        for (std::size_t i = 0; i < numbers.size(); ++i)
          tensor.data[i] = static_cast<std::remove_reference_t<decltype(tensor.data[i])>>(numbers[i]);
      },
      of);
}
/// Adds normal values of the given spread, which depend on a tensor's path alone: the same in blocks of other types.
template <class Struct>
void randomise_by_path(Struct& of, std::uint64_t seed, double spread) {
  lacuna::visit_named(
      [&](const std::string path, auto& tensor) {
        std::uint64_t mixed = seed;
        for (const char letter : path) mixed = mixed * 1099511628211u + static_cast<unsigned char>(letter);
        for (std::size_t i = 0; i < std::size(tensor.data); ++i)
          tensor.data[i] += static_cast<std::remove_reference_t<decltype(tensor.data[i])>>(
              spread * lacuna::random_normal(mixed, 5, i));
      },
      of);
}
/// Normal values.
inline std::vector<double> random_rows(std::uint64_t seed, std::size_t count) {
  std::vector<double> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = lacuna::random_normal(seed, 6, i);
  return all;
}
/// The paths of a struct in order, one per line.
template <class Struct>
std::string paths_of(Struct& of) {
  std::string all;
  lacuna::visit_named([&](const std::string path, const auto&) { all += path + "\n"; }, of);
  return all;
}
