// safetensors: everything that the format forbids is refused by name; damage never crashes and is never believed.
#if __has_include(<nlohmann/json.hpp>)
#include <ctime>
#include <cstring>
#include <doctest/doctest.h>
#include <initializer_list>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// A file as the format lays it out: the header's length, the header, `data` bytes that count up.
lc::file_bytes file_of(const std::string& header, std::size_t data, std::uint64_t length) {
  lc::file_bytes bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<unsigned char>(length >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (std::size_t i = 0; i < data; ++i) bytes.push_back(static_cast<unsigned char>(i % 60));
  return bytes;
}
lc::file_bytes file_of(const std::string& header, std::size_t data = 0) { return file_of(header, data, header.size()); }

/// A header of one F32 tensor 'a' of the given shape and offsets.
std::string header_of(const std::string& shape, const std::string& offsets, const std::string& type = "F32") {
  return R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

void check_message(const lc::error& why, lc::error_kind kind, std::initializer_list<const char*> parts) {
  const std::string message = why.message.c_str();
  CAPTURE(message);
  CHECK(why.kind == kind);
  CHECK(message.rfind("lacuna::load: 'bad.safetensors': ", 0) == 0);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}
void refused(const lc::file_bytes& bytes, std::initializer_list<const char*> parts) {
  const auto parsed = lc::try_parse_safetensors("bad.safetensors", bytes);
  REQUIRE(!parsed.ok());
  check_message(parsed.why(), lc::error_kind::file, parts);
}

struct two_tensors {
  lc::tensor<float, 2, 3> a;
  lc::tensor<float, 4> b;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("a", s.a...);
    v("b", s.b...);
  }
};
const std::string two_header =
    R"({"__metadata__":{"lacuna.format":"1","author":"nobody"},)"
    R"("a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F32","shape":[4],"data_offsets":[24,40]}})";

/// A file that parses, and does not fit `two_tensors`.
void does_not_fit(const lc::file_bytes& bytes, std::initializer_list<const char*> parts) {
  const auto parsed = lc::try_parse_safetensors("bad.safetensors", bytes);
  REQUIRE_MESSAGE(parsed.ok(), std::string(parsed.why().message.c_str()));
  two_tensors target;
  for (auto& of : target.a.data) of = 3;
  const auto kept = target;
  const auto filled = lc::try_fill(*parsed, target);
  REQUIRE(!filled.ok());
  check_message(filled.why(), lc::error_kind::shape, parts);
  CHECK(std::memcmp(&target, &kept, sizeof target) == 0);
}

/// Whatever a reader accepts has to lie in the file and hold what its shape says.
void check_in_bounds(const lc::directory& of) {
  for (const auto& entry : of.entries) {
    CHECK(entry.begin <= entry.end);
    CHECK(entry.end <= of.bytes.size());
    std::uint64_t count = 1;
    for (const auto extent : entry.shape) count *= extent;
    if (lc::stored_bytes(entry.type) != 0) CHECK(count * lc::stored_bytes(entry.type) == entry.end - entry.begin);
  }
}

/// Of this process's own time: others may keep the machine busy.
template <class Function>
double seconds(Function&& f) {
  const std::clock_t start = std::clock();
  f();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("bad inputs 1 to 6: the length of the header") {
  refused({}, {"at least 8 bytes", "found 0"});
  refused({1, 2, 3, 4, 5, 6, 7}, {"at least 8 bytes", "found 7"});
  refused(file_of("", 0, 0), {"byte 8: expected '{'", "found no header"});
  refused(file_of("{}", 40, 0), {"byte 8: expected '{'", "found no header"});
  refused(file_of("{}", 0, ~std::uint64_t{0}), {"at most 100000000 bytes", "found 18446744073709551615"});
  refused(file_of("{}", 0, 100000001), {"at most 100000000 bytes", "found 100000001"});
  refused(file_of("{}", 0, 100000000), {"expected a header of 100000000 bytes", "found 2"});
  refused(file_of("{}", 0, 3), {"expected a header of 3 bytes", "found 2"});
}

TEST_CASE("bad inputs 7 to 10: what is no JSON object") {
  refused(file_of("{\"\xff\":1}"), {"header byte 3", "JSON in UTF-8"});
  refused(file_of("{\"\xc0\xaf\":1}"), {"header byte", "JSON in UTF-8"});  // an overlong slash
  refused(file_of(R"({"\ud800":1})"), {"header byte", "JSON in UTF-8"});     // half a surrogate pair
  refused(file_of("{not JSON}"), {"header byte", "expected JSON"});
  refused(file_of(R"({"a)"), {"header byte", "expected JSON"});
  refused(file_of(R"({} {})"), {"header byte", "expected JSON"});
  refused(file_of(R"({"a":{}})"), {"tensor 'a'", "expected dtype, shape and data_offsets, found fewer"});
  refused(file_of("[]"), {"byte 8: expected '{'"});
  refused(file_of("null"), {"byte 8: expected '{'"});
  refused(file_of(" {}"), {"byte 8: expected '{'"});
  // A parser for C strings stops at a zero byte: what hides behind it must not be passed over.
  refused(file_of(std::string("{}\0hidden", 9)), {"header byte 3", "found a zero byte"});
  refused(file_of(std::string("{}\0\0\0\0\0\0", 8)), {"header byte 3", "found a zero byte"});
  refused(file_of("{} /**/"), {"header byte", "expected JSON"});
  const double time = seconds([] {
    const auto repeat = [](const char* part) {
      std::string all;
      for (int i = 0; i < 100000; ++i) all += part;
      return all;
    };
    refused(file_of(repeat(R"({"a":)")), {"tensor 'a'", "found another key"});
    refused(file_of(R"({"a":)" + repeat("[")), {"tensor 'a'", "expected an object, found a list"});
    refused(file_of(header_of(repeat("["), "[0,4]")), {"tensor 'a'", "expected whole numbers, found a list"});
  });
  CHECK(time < 2);
}

TEST_CASE("bad inputs 11 to 15: keys, types and numbers") {
  const std::string field = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  refused(file_of(R"({"a":)" + field + R"(,"a":)" + field + "}", 4), {"tensor 'a'", "each name once, found it twice"});
  refused(file_of(R"({"a":)" + field + R"(,"\u0061":)" + field + "}", 4), {"tensor 'a'", "found it twice"});
  refused(file_of(R"({"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}})", 4),
          {"tensor 'a'", "found one twice"});
  refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}})", 4),
          {"tensor 'a'", "found one twice"});
  refused(file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}})", 4),
          {"tensor 'a'", "found another key"});
  refused(file_of(R"({"a":{"dtype":"F32","shape":[1]}})"), {"tensor 'a'", "found fewer"});
  refused(file_of(R"({"a":3})"), {"tensor 'a'", "expected an object, found a number"});
  refused(file_of(R"({"a":null})"), {"tensor 'a'", "expected an object, found null"});
  refused(file_of(R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})"), {"expected a text, found a number"});
  refused(file_of(R"({"__metadata__":{"k":"1","k":"2"}})"), {"'__metadata__'", "each metadata key once"});
  refused(file_of(R"({"__metadata__":{},"__metadata__":{}})"), {"'__metadata__'", "found it twice"});
  refused(file_of(R"({"__metadata__":{"k":1}})"), {"'__metadata__'", "expected a text, found a number"});
  refused(file_of(R"({"__metadata__":{"k":{}}})"), {"'__metadata__'", "expected a text, found an object"});
  refused(file_of(R"({"__metadata__":"k"})"), {"'__metadata__'", "expected an object, found a text"});
  refused(file_of(header_of("[1]", "[0,4]", "F33"), 4), {"tensor 'a'", "a dtype of the format, found 'F33'"});
  refused(file_of(header_of("[1]", "[0,4]", "f32"), 4), {"tensor 'a'", "found 'f32'"});
  refused(file_of(header_of("[-1]", "[0,4]"), 4), {"tensor 'a'", "whole numbers, found a negative number"});
  refused(file_of(header_of("[1.5]", "[0,4]"), 4), {"tensor 'a'", "found a fraction"});
  refused(file_of(header_of("[1e3]", "[0,4]"), 4), {"tensor 'a'", "found a fraction"});
  refused(file_of(header_of("[\"3\"]", "[0,4]"), 4), {"tensor 'a'", "whole numbers, found a text"});
  refused(file_of(header_of("[18446744073709551616]", "[0,4]"), 4), {"tensor 'a'", "2^64 or more"});
  refused(file_of(header_of("[1e999]", "[0,4]"), 4), {"header byte", "expected JSON"});
  refused(file_of(header_of("[true]", "[0,4]"), 4), {"tensor 'a'", "found a boolean"});
  refused(file_of(header_of("1", "[0,4]"), 4), {"tensor 'a'", "found a number"});
}

TEST_CASE("bad inputs 16 to 23: shapes and offsets") {
  refused(file_of(header_of("[2,9223372036854775808]", "[0,4]"), 4),
          {"tensor 'a'", "(2, 9223372036854775808)", "overflows"});
  refused(file_of(header_of("[2305843009213693952]", "[0,4]", "F64"), 4), {"tensor 'a'", "overflows", "found 4"});
  refused(file_of(header_of("[0,9223372036854775808,4]", "[0,0]"), 0), {"tensor 'a'", "overflows"});
  refused(file_of(header_of("[3]", "[0,2]", "F4"), 2), {"tensor 'a'", "not whole bytes"});
  const double time = seconds([] {
    std::string many = "[1";
    for (int i = 1; i < 10000; ++i) many += ",1";
    refused(file_of(header_of(many + "]", "[0,4]"), 4), {"tensor 'a'", "at most 64 extents, found more"});
    for (int i = 0; i < 990000; ++i) many += ",1";
    refused(file_of(header_of(many + "]", "[0,4]"), 4), {"tensor 'a'", "at most 64 extents, found more"});
    refused(file_of(header_of("[1]", many + "]"), 4), {"tensor 'a'", "data_offsets: expected 2 numbers, found more"});
  });
  CHECK(time < 2);
  refused(file_of(header_of("[1]", "[0]"), 4), {"tensor 'a'", "data_offsets: expected 2 numbers, found fewer"});
  refused(file_of(header_of("[1]", "[8,4]"), 8), {"tensor 'a'", "data_offsets in order, found 8 and 4"});
  refused(file_of(header_of("[2]", "[0,8]"), 4), {"tensor 'a'", "within 4 bytes, found 8", "is the file whole"});
  refused(file_of(header_of("[1]", "[0,18446744073709551615]"), 4), {"tensor 'a'", "found 18446744073709551615"});
  const auto two = [](const char* second, std::size_t data) {
    return file_of(
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":)" +
            std::string(second) + "}}",
        data);
  };
  refused(two("[4,8]", 8), {"tensor 'b'", "at offset 8, found 4", "overlap"});
  refused(two("[12,16]", 16), {"tensor 'b'", "at offset 8, found 12", "bytes belong to no tensor"});
  refused(file_of(header_of("[1]", "[4,8]"), 8), {"tensor 'a'", "at offset 0, found 4", "bytes belong to no tensor"});
  refused(two("[8,12]", 40), {"bytes behind the last tensor"});
  refused(file_of("{}", 1), {"expected 10 bytes, found 11", "bytes behind the last tensor"});
  refused(file_of(header_of("[2,3]", "[0,20]"), 20),
          {"tensor 'a'", "shape (2, 3) of F32: expected 24 bytes, found 20"});
  refused(file_of(header_of("[]", "[0,8]"), 8), {"tensor 'a'", "shape () of F32: expected 4 bytes, found 8"});
}

TEST_CASE("bad input 24: files that the recipe does not fit, and what is untouched then") {
  const auto header = [](const char* a, const char* b_name, const char* type = "F32") {
    return R"({"a":{"dtype":")" + std::string(type) + R"(","shape":)" + a + R"(,"data_offsets":[0,24]},")" + b_name +
           R"(":{"dtype":"F32","shape":[4],"data_offsets":[24,40]}})";
  };
  does_not_fit(file_of(header("[3,2]", "b"), 40), {"tensor 'a'", "expected shape (2, 3), found (3, 2)"});
  does_not_fit(file_of(header("[6]", "b"), 40), {"tensor 'a'", "expected shape (2, 3), found (6)"});
  does_not_fit(file_of(header("[2,3]", "bb"), 40), {"tensor 'b'", "no such tensor among 2", "nearest is 'bb'"});
  does_not_fit(file_of("{}"), {"tensor 'a'", "no such tensor among 0"});
  does_not_fit(file_of(header("[2,3]", "b", "I32"), 40), {"tensor 'a'", "F64, F32, F16 or BF16, found I32"});
  does_not_fit(file_of(header("[1,6]", "b", "U32"), 40), {"tensor 'a'", "expected shape (2, 3), found (1, 6)"});
  does_not_fit(file_of(header_of("[2,3]", "[0,3]", "F4"), 3), {"tensor 'a'", "F64, F32, F16 or BF16, found F4"});
  does_not_fit(file_of(header_of("[2,3]", "[0,48]", "C64"), 48), {"tensor 'a'", "F64, F32, F16 or BF16, found C64"});
  does_not_fit(file_of(two_header.substr(0, two_header.size() - 1) +
                       R"(,"a\u0000b":{"dtype":"C64","shape":[0],"data_offsets":[40,40]}})", 40),
               {"expected 2 tensors, found another: 'a0x00b'"});
}

TEST_CASE("input 25: data that is not aligned loads right") {
  for (std::size_t pad = 0; pad < 8; ++pad) {
    auto bytes = file_of(two_header + std::string(pad, ' '), 40);
    const float first = 0.1f, last = -1234.5f;
    std::memcpy(bytes.data() + bytes.size() - 40, &first, 4);
    std::memcpy(bytes.data() + bytes.size() - 4, &last, 4);
    const auto parsed = lc::try_parse_safetensors("fine", std::move(bytes));
    REQUIRE(parsed.ok());
    two_tensors target{};
    REQUIRE(lc::try_fill(*parsed, target).ok());
    CHECK(target.a[0] == first);
    CHECK(target.b[3] == last);
  }
}

TEST_CASE("a file is refused at every length that is not its own") {
  const auto whole = file_of(two_header, 40);
  CHECK(lc::try_parse_safetensors("fine", whole).ok());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const lc::file_bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    CHECK_MESSAGE(!lc::try_parse_safetensors("cut", cut).ok(), length);
  }
}

TEST_CASE("with any bit flipped a file is refused, or what it holds lies inside it") {
  const auto whole = file_of(two_header, 40);
  int accepted = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1u << bit % 8));
    const auto parsed = lc::try_parse_safetensors("flipped", std::move(flipped));
    if (!parsed.ok()) {
      CHECK(parsed.why().message.size() > 20);
      continue;
    }
    ++accepted;
    check_in_bounds(*parsed);
    two_tensors target{};
    (void)lc::try_fill(*parsed, target);  // whatever it says, it stays in bounds
  }
  CHECK(accepted >= 8 * 40);  // the data itself, and letters of names and texts
}

TEST_CASE("the time for many tensors grows as they do") {
  const auto with = [](int count) {
    std::string header = "{";
    for (int i = 0; i < count; ++i)
      header += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" +
                std::to_string(i) + ',' + std::to_string(i + 1) + "]}";
    return file_of(header + '}', static_cast<std::size_t>(count));
  };
  const auto some = with(10000), many = with(100000);
  const double of_some = seconds([&] { does_not_fit(some, {"no such tensor among 10000"}); });
  // Ten times as many: if each were compared with all, it would be a hundred times as long.
  CHECK(seconds([&] { does_not_fit(many, {"no such tensor among 100000"}); }) < 40 * of_some + 0.2);
}
#endif
