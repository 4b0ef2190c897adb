// Errors as values: this suite also builds with -fno-exceptions -fno-rtti (preset noexcept).
#include <lacuna/core/error.hpp>

#include <doctest/doctest.h>

#include <cstring>

namespace lc = lacuna;

namespace {

lc::outcome<int> half(int of) {
  if (of % 2 != 0) return lc::error(lc::error_kind::value, "half: expected an even number, found ") << of;
  return of / 2;
}

}  // namespace

TEST_CASE("an outcome holds the value") {
  const auto four = half(8);
  REQUIRE(four.ok());
  CHECK(*four == 4);
}

TEST_CASE("an outcome holds the error, which names what was expected and found") {
  const auto none = half(7);
  REQUIRE_FALSE(none.ok());
  CHECK(none.why().kind == lc::error_kind::value);
  CHECK(std::strcmp(none.why().message.c_str(), "half: expected an even number, found 7") == 0);
}
