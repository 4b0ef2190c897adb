// Every allocation of the program passes here, so that a test can say there was none.
#include "support/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> count{0};
}  // namespace

std::size_t allocations() { return count; }

// Every allocation of the program passes here, so that a test can say there was none.
void* operator new(std::size_t size) {
  ++count;
  if (void* got = std::malloc(size == 0 ? 1 : size)) return got;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++count;
  const auto to = static_cast<std::size_t>(alignment);
  if (void* got = std::aligned_alloc(to, (size + to - 1) / to * to)) return got;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  ++count;
  const auto to = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(to, (size + to - 1) / to * to);
}
void operator delete(void* of) noexcept { std::free(of); }
void operator delete(void* of, std::size_t) noexcept { std::free(of); }
void operator delete(void* of, std::align_val_t) noexcept { std::free(of); }
void operator delete(void* of, std::size_t, std::align_val_t) noexcept { std::free(of); }
