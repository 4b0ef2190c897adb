#pragma once
// Memory that begins where a cache line does, as that of the tensors of a model.

#include <cstddef>
#include <lacuna/tensor/tensor.hpp>
#include <new>

namespace bench {

/// An allocator of such memory.
template <class Value>
struct aligned {
  using value_type = Value;
  static constexpr std::align_val_t alignment{lacuna::tensor_alignment};

  aligned() = default;
  template <class Other>
  constexpr aligned(const aligned<Other>&) noexcept {}

  Value* allocate(std::size_t count) { return static_cast<Value*>(::operator new(count * sizeof(Value), alignment)); }
  void deallocate(Value* memory, std::size_t) noexcept { ::operator delete(memory, alignment); }
  friend bool operator==(const aligned&, const aligned&) noexcept { return true; }
};

}  // namespace bench
