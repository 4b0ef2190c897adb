// safetensors: what is written comes back bit for bit; half precision; values and files that cannot be used.
// What the reader refuses in a header is in io_safetensors_refused.cpp.
#if __has_include(<nlohmann/json.hpp>)
#include "support/recipes.hpp"
#include "support/same_bits.hpp"
#include "support/scratch.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <lacuna/io.hpp>
#include <limits>
#include <memory>
#include <string>
#include <vector>
#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#include <sys/stat.h>
#endif

namespace {
namespace lc = lacuna;

std::string text(const lc::error& why) { return why.message.c_str(); }
bool contains(const lc::error& why, const char* part) { return text(why).find(part) != std::string::npos; }

/// Every element type, and the shapes at the edges: a scalar, and a tensor without elements in the middle.
struct every_type {
  lc::tensor<float, 2, 3> single;
  lc::tensor<double, 4> wide;
  lc::tensor<float, 0, 3> empty;
  lc::tensor<lc::bfloat16, 5> narrow;
  lc::tensor<float> scalar;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("single", s.single...);
    v("deep.wide", s.wide...);
    v("empty", s.empty...);
    v("narrow", s.narrow...);
    v("scalar", s.scalar...);
  }
};

/// The same names in another element type.
template <class Element, lc::extent_t Count>
struct one_tensor {
  lc::tensor<Element, Count> of;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("of", s.of...);
  }
};

/// A checkpoint of one tensor `of`.
template <class Stored>
lc::directory directory_of(const std::vector<Stored>& values, lc::stored_type type) {
  lc::directory made;
  made.path = "memory";
  made.bytes.resize(values.size() * sizeof(Stored));
  std::memcpy(made.bytes.data(), values.data(), made.bytes.size());
  made.entries.push_back({"of", type, "", {values.size()}, 0, made.bytes.size()});
  return made;
}

template <class Model>
void check_model_round_trip(const scratch& room, double spread) {
  auto model = std::make_unique<Model>();
  recipes::randomise(*model, 5, spread);
  const auto path = room.path("model.safetensors");
  REQUIRE(lc::try_save(*model, path.c_str(), {{"author", "Zo\u00eb \"quoted\"\n"}}).ok());
  auto loaded = lc::try_load<Model>(path.c_str());
  REQUIRE_MESSAGE(loaded.ok(), text(loaded.why()));
  CHECK(same_bits(model->parameters(), loaded->parameters()));
  // What is derived from the parameters was rebuilt: the logits agree, too.
  const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};
  const auto expected = model->try_forward(tokens), found = loaded->try_forward(tokens);
  CHECK(std::memcmp(expected->data, found->data, Model::vocabulary * sizeof(typename Model::value)) == 0);

  const auto opened = lc::try_open_checkpoint(path);
  REQUIRE(opened.ok());
  CHECK(lc::find_metadata(*opened, "author") == "Zo\u00eb \"quoted\"\n");
  CHECK(lc::find_metadata(*opened, "lacuna.format") == "1");
  CHECK(lc::find_metadata(*opened, "lacuna.vocabulary") == "11");
  CHECK(lc::find_metadata(*opened, "lacuna.context") == "20");
  CHECK(!lc::find_metadata(*opened, "nobody"));
  CHECK(opened->entries.front().begin % 8 == 0);
}

}  // namespace

TEST_CASE("safetensors: every type and shape comes back bit for bit") {
  const scratch room;
  every_type written{}, read{};
  const float single[]{-0.0f, 1e-42f, std::numeric_limits<float>::max(), std::numeric_limits<float>::min(), 0.1f, -7};
  const double wide[]{-0.0, 4.9e-324, std::numeric_limits<double>::max(), 0.1};
  std::memcpy(written.single.data, single, sizeof single);
  std::memcpy(written.wide.data, wide, sizeof wide);
  for (std::size_t i = 0; i < 5; ++i) written.narrow[i].bits = static_cast<std::uint16_t>(0x0001u + 0x2fd3u * i);
  written.scalar[0] = 42;
  const auto path = room.path("types.safetensors");
  REQUIRE(lc::try_write_safetensors(path, written, {{"key", ""}}).ok());
  CHECK(!std::filesystem::exists(path + ".partial"));
  const auto opened = lc::try_read_safetensors(path);
  REQUIRE_MESSAGE(opened.ok(), text(opened.why()));
  CHECK(lc::find_metadata(*opened, "key") == "");
  const auto filled = lc::try_fill(*opened, read);
  REQUIRE_MESSAGE(filled.ok(), text(filled.why()));
  CHECK(same_bits(written, read));
}

TEST_CASE("safetensors: whole models come back bit for bit, with sizes and metadata") {
  const scratch room;
  check_model_round_trip<lc::model<recipes::llama>>(room, 0.4);
  check_model_round_trip<lc::model<recipes::gpt, lc::f64>>(room, 0.4);
  check_model_round_trip<lc::model<recipes::mixed, lc::bf16, lc::chunk<20>>>(room, 0.4);
  // Sizes that differ between the layers of `mixed` are not one number, and are left out.
  const auto mixed = lc::try_open_checkpoint(room.path("model.safetensors"));
  REQUIRE(mixed.ok());
  CHECK(!lc::find_metadata(*mixed, "lacuna.heads"));
}

TEST_CASE("safetensors: sizes that no shape shows are compared, and the model stays as it was") {
  using other_heads = lc::decoder<
      lc::vocabulary<11>, lc::width<8>, lc::context<20>,
      lc::repeat<2, lc::pre_norm<lc::rms_norm<>, lc::attention<lc::heads<2>, lc::kv_heads<1>, lc::rope<>, lc::causal>,
                                 lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>>,
      lc::tied_head>;
  const scratch room;
  auto model = std::make_unique<lc::model<recipes::llama>>();
  const auto path = room.path("llama.safetensors");
  REQUIRE(lc::try_save(*model, path.c_str()).ok());
  auto other = std::make_unique<lc::model<other_heads>>(), kept = std::make_unique<lc::model<other_heads>>();
  recipes::randomise(*other, 1, 0.5);
  recipes::randomise(*kept, 1, 0.5);
  const auto wrong = lc::try_load_into(*other, path.c_str());
  REQUIRE(!wrong.ok());
  CHECK(wrong.why().kind == lc::error_kind::shape);
  CHECK(contains(wrong.why(), "heads: expected 2, found 4"));
  CHECK(contains(wrong.why(), "llama.safetensors"));
  CHECK(same_bits(other->parameters(), kept->parameters()));
}

TEST_CASE("half precision: all 65536 patterns") {
  std::vector<std::uint16_t> finite;
  std::vector<float> expected;
  bool equal = true;
  for (unsigned pattern = 0; pattern < 65536; ++pattern) {
    const unsigned exponent = pattern / 1024 % 32, fraction = pattern % 1024;
    lc::float16 half;
    half.bits = static_cast<std::uint16_t>(pattern);
    const auto decoded = static_cast<float>(half);
    equal = equal && std::signbit(decoded) == (pattern >= 32768);
    if (exponent == 31) {
      equal = equal && (fraction == 0 ? std::isinf(decoded) : std::isnan(decoded));
      continue;
    }
    // From the definition: 1.fraction times 2^(exponent - 15), and 0.fraction times 2^-14 where the exponent is 0.
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1 + fraction / 1024.0, static_cast<int>(exponent) - 15);
    equal = equal && std::fabs(static_cast<double>(decoded)) == magnitude;
    finite.push_back(static_cast<std::uint16_t>(pattern));
    expected.push_back(static_cast<float>(pattern >= 32768 ? -magnitude : magnitude));
  }
  CHECK(equal);
  auto loaded = std::make_unique<one_tensor<float, 63488>>();
  REQUIRE(finite.size() == 63488);
  REQUIRE(lc::try_fill(directory_of(finite, lc::stored_type::f16), *loaded).ok());
  CHECK(std::memcmp(loaded->of.data, expected.data(), sizeof loaded->of.data) == 0);
}

TEST_CASE("loading converts between element types") {
  one_tensor<lc::bfloat16, 3> narrow{};
  REQUIRE(lc::try_fill(directory_of<float>({1.0f, 1.00390625f, 1.01171875f}, lc::stored_type::f32), narrow).ok());
  CHECK(narrow.of[1].bits == 0x3f80);  // halfway: to even, down
  CHECK(narrow.of[2].bits == 0x3f82);  // halfway: to even, up
  one_tensor<double, 2> wide{};
  REQUIRE(lc::try_fill(directory_of<std::uint16_t>({0x3f80, 0xc040}, lc::stored_type::bf16), wide).ok());
  CHECK(wide.of[0] == 1);
  CHECK(wide.of[1] == -3);
  one_tensor<float, 2> single{};
  REQUIRE(lc::try_fill(directory_of<double>({0.1, 1e-300}, lc::stored_type::f64), single).ok());
  CHECK(single.of[0] == 0.1f);
  CHECK(single.of[1] == 0);
}

TEST_CASE("a weight that is no finite number is refused by tensor and element") {
  const auto check = []<class Target>(const Target&, const lc::directory& from, const char* element,
                                      const char* found) {
    Target target;
    for (auto& value : target.of.data) value = static_cast<std::remove_cvref_t<decltype(value)>>(3.0f);
    const auto kept = target;
    const auto wrong = lc::try_fill(from, target);
    REQUIRE(!wrong.ok());
    CHECK(wrong.why().kind == lc::error_kind::value);
    CHECK_MESSAGE(contains(wrong.why(), element), text(wrong.why()));
    CHECK_MESSAGE(contains(wrong.why(), found), text(wrong.why()));
    CHECK(contains(wrong.why(), "tensor 'of'"));
    CHECK(same_bits(target, kept));
  };
  one_tensor<float, 3> single;
  one_tensor<lc::bfloat16, 3> narrow;
  check(single, directory_of<float>({1, 2, std::nanf("")}, lc::stored_type::f32), "element 2", "found NaN");
  check(single, directory_of<float>({1, -INFINITY, 2}, lc::stored_type::f32), "element 1", "found infinity");
  check(narrow, directory_of<double>({std::nan(""), 1, 2}, lc::stored_type::f64), "element 0", "found NaN");
  check(single, directory_of<std::uint16_t>({0, 0x7c00, 0}, lc::stored_type::f16), "element 1", "found infinity");
  check(single, directory_of<std::uint16_t>({0, 0, 0x7fc0}, lc::stored_type::bf16), "element 2", "found NaN");
  // Finite in the file, infinite in the parameters: no less a damage.
  check(single, directory_of<double>({1, 2, 1e300}, lc::stored_type::f64), "element 2",
        "expected a magnitude of at most 3.40282347e+38 in f32, found 1e+300");
  check(narrow, directory_of<float>({1, 3.4e38f, 2}, lc::stored_type::f32), "element 1",
        "in bf16, found 3.39999995e+38");
}

TEST_CASE("files: what cannot be read") {
  const scratch room;
  const auto refused = [](const std::string& path, const char* found) {
    const auto read = lc::try_read_file(path);
    REQUIRE(!read.ok());
    CHECK(read.why().kind == lc::error_kind::file);
    CHECK_MESSAGE(contains(read.why(), found), text(read.why()));
    CHECK(contains(read.why(), "expected a"));
  };
  refused(room.path("missing"), "found none");
  refused("", "found none");
  refused(room.folder.string(), "found a directory");
  if (std::filesystem::exists("/dev/zero")) refused("/dev/zero", "found a device or pipe");
  refused(room.path(std::string(1000, 'x').c_str()), "...xxx");
  // Neither format: an empty file names both.
  const auto path = room.path("empty");
  REQUIRE(lc::try_write_file(path, {}).ok());
  CHECK(lc::try_read_file(path)->empty());
  const auto neither = lc::try_open_checkpoint(path);
  REQUIRE(!neither.ok());
  CHECK(contains(neither.why(), "llama2.c header of 28 bytes, found 0"));
  CHECK(contains(neither.why(), "nor is it safetensors"));
}

TEST_CASE("files: a failed write keeps the old file, and leaves nothing behind") {
  const scratch room;
  const lc::file_bytes old{1, 2, 3}, fresh{4, 5};
  const auto refused = [&](const std::string& path, const char* found) {
    const auto written = lc::try_write_file(path, fresh);
    REQUIRE(!written.ok());
    CHECK(written.why().kind == lc::error_kind::file);
    CHECK_MESSAGE(contains(written.why(), found), text(written.why()));
  };
  refused(room.path("no_folder/file"), "expected a writable folder");

  std::filesystem::create_directories(room.folder / "folder" / "inner");
  refused(room.path("folder"), "directory");
  CHECK(std::filesystem::is_directory(room.folder / "folder" / "inner"));
  CHECK(!std::filesystem::exists(room.path("folder.partial")));

  const auto path = room.path("file");
  REQUIRE(lc::try_write_file(path, old).ok());
#if __has_include(<sys/resource.h>)
  {
    // Files of three bytes at most: to the program it is a full disk.
    rlimit unlimited{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit three = unlimited;
    three.rlim_cur = 3;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &three) == 0);
    const auto written = lc::try_write_file(path, lc::file_bytes(1000));
    REQUIRE(setrlimit(RLIMIT_FSIZE, &unlimited) == 0);
    std::signal(SIGXFSZ, handler);
    REQUIRE(!written.ok());
    CHECK_MESSAGE(contains(written.why(), "disk full"), text(written.why()));
    CHECK(*lc::try_read_file(path) == old);
    CHECK(!std::filesystem::exists(path + ".partial"));
  }
#endif
  // What stands in the way was not made by the call, and stays.
  std::filesystem::create_directory(path + ".partial");
  refused(path, "expected to write beside it, found a link, folder or device");
  CHECK(*lc::try_read_file(path) == old);
  CHECK(std::filesystem::is_directory(path + ".partial"));
  std::filesystem::remove(path + ".partial");
  REQUIRE(lc::try_write_file(path, fresh).ok());
  CHECK(*lc::try_read_file(path) == fresh);
}

TEST_CASE("files: links stay and what they name is written; what is no file is refused and stays") {
  const scratch room;
  const lc::file_bytes old{1, 2, 3}, fresh{4, 5};
  const auto path = room.path("file"), link = room.path("link"), to_link = room.path("to_link");
  REQUIRE(lc::try_write_file(path, old).ok());
  std::filesystem::create_symlink("file", link);
  std::filesystem::create_directory(room.folder / "inner");
  std::filesystem::create_symlink("../link", room.path("inner/to_link"));
  std::filesystem::create_symlink(room.path("inner/to_link"), to_link);
  const auto check_writes = [&](const std::string& by, const std::string& place) {
    REQUIRE(lc::try_check_writable(by).ok());
    const auto written = lc::try_write_file(by, fresh);
    REQUIRE_MESSAGE(written.ok(), text(written.why()));
    CHECK(std::filesystem::is_symlink(by));
    CHECK(!std::filesystem::is_symlink(place));
    CHECK(*lc::try_read_file(place) == fresh);
    REQUIRE(lc::try_write_file(place, old).ok());
  };
  check_writes(link, path);
  check_writes(to_link, path);
  std::filesystem::create_symlink("inner/none_yet", room.path("dangling"));
  check_writes(room.path("dangling"), room.path("inner/none_yet"));

  const auto refused = [&](const std::string& by, const char* found) {
    const auto asked = lc::try_check_writable(by), written = lc::try_write_file(by, fresh);
    REQUIRE(!written.ok());
    REQUIRE(!asked.ok());
    CHECK(written.why().kind == lc::error_kind::file);
    CHECK_MESSAGE(contains(written.why(), found), text(written.why()));
    CHECK_MESSAGE(contains(asked.why(), found), text(asked.why()));
  };
  // A link in the place of what is written first would lead it elsewhere.
  std::filesystem::create_symlink("link", path + ".partial");
  refused(path, "expected to write beside it, found a link, folder or device");
  refused(link, "expected to write beside it, found a link, folder or device");
  CHECK(*lc::try_read_file(path) == old);
  CHECK(std::filesystem::is_symlink(path + ".partial"));
  std::filesystem::remove(path + ".partial");

  refused(room.path("inner"), "expected a path for a file, found a directory");
  std::filesystem::create_symlink("inner", room.path("to_folder"));
  refused(room.path("to_folder"), "expected a path for a file, found a directory");
  CHECK(std::filesystem::is_symlink(room.path("to_folder")));
  std::filesystem::create_symlink("no_folder/file", room.path("to_nowhere"));
  refused(room.path("to_nowhere"), "expected a writable folder");
  refused(room.path("no_folder/file"), "expected a writable folder");
  std::filesystem::create_symlink("circle", room.path("circle"));
  refused(room.path("circle"), "found links without an end");
#if __has_include(<sys/resource.h>)
  const auto pipe = room.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("pipe", room.path("to_pipe"));
  refused(pipe, "expected a regular file or none yet, found a device or pipe");
  refused(room.path("to_pipe"), "found a device or pipe");
  CHECK(std::filesystem::is_fifo(std::filesystem::symlink_status(pipe)));
  CHECK(std::filesystem::is_symlink(room.path("to_pipe")));
#endif

  // To ask leaves everything as it was, and no file where there was none.
  REQUIRE(lc::try_check_writable(path).ok());
  CHECK(*lc::try_read_file(path) == old);
  REQUIRE(lc::try_check_writable(room.path("new")).ok());
  CHECK(!std::filesystem::exists(room.path("new")));
  CHECK(!std::filesystem::exists(room.path("new.partial")));
}
#endif
