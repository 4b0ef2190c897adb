// No backend allocates once a model is made, and the allocator of huge pages gives what it promises.
#include "support/allocations.hpp"
#include "support/compiled_tiles.hpp"
#include "support/recipes.hpp"

#include <doctest/doctest.h>
#include <lacuna/with_huge_pages.hpp>
#if __has_include(<Eigen/Core>)
#include <lacuna/with_eigen.hpp>
#endif
#if __has_include(<xsimd/xsimd.hpp>)
#include <lacuna/with_threads.hpp>
#endif
#include <memory>

namespace {
namespace lc = lacuna;

template <class Model>
void learn_without_allocating(Model& model) {
  recipes::randomise(model, 3, 0.3);
  const lc::token_view tokens{recipes::stream, 19};
  const std::size_t before = allocations();
  const auto logits = model.try_forward_to_learn(tokens);
  REQUIRE(logits.ok());
  REQUIRE(model.try_backward(tokens, *logits).ok());
  model.reset();
  REQUIRE(model.try_forward(tokens).ok());
  REQUIRE(allocations() == before);
}

}  // namespace

#if __has_include(<Eigen/Core>)
TEST_CASE("eigen does not allocate") {
  auto model = std::make_unique<lc::model<recipes::llama, lc::eigen, lc::training>>();
  learn_without_allocating(*model);
}
#endif
#if __has_include(<xsimd/xsimd.hpp>)
TEST_CASE("simd does not allocate, alone and with threads") {
  auto model = std::make_unique<lc::model<recipes::llama, lc::simd, lc::training>>();
  learn_without_allocating(*model);
  lc::thread_team team(2);
  using backend = lc::simd_threads<lc::thread_team>;
  auto divided = std::make_unique<lc::model<recipes::llama, backend, lc::training>>(backend(team));
  learn_without_allocating(*divided);
}
#endif

TEST_CASE("huge pages: aligned, whole, and the same results") {
  void* memory = lc::huge_pages::allocate(100, 64);
  REQUIRE(memory != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(memory) % lc::huge_pages::page == 0);
  lc::huge_pages::release(memory, 100, 64);
  lc::model<recipes::llama> plain;
  lc::model<recipes::llama, lc::heap_from<lc::huge_pages>> other;
  recipes::randomise(plain, 3, 0.3);
  recipes::randomise(other, 3, 0.3);
  const auto expected = plain.forward({recipes::stream, 19});
  const auto found = other.forward({recipes::stream, 19});
  for (lc::extent_t i = 0; i < decltype(plain)::vocabulary; ++i) CHECK(found(0, i) == expected(0, i));
  CHECK(reinterpret_cast<std::uintptr_t>(&other.parameters()) % lc::huge_pages::page == 0);
}

namespace {
/// An allocator without memory.
struct empty_handed {
  static constexpr auto name = lc::fixed_string("empty_handed");
  static void* allocate(lc::extent_t, lc::extent_t) noexcept { return nullptr; }
  static void release(void*, lc::extent_t, lc::extent_t) noexcept {}
};
}  // namespace

TEST_CASE("an allocator without memory gives a model that is not ready") {
  const lc::model<recipes::llama, lc::heap_from<empty_handed>> model;
  CHECK(!model.ready());
}
