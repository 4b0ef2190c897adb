// Models whose weights are f16: files of their own, files of other types, and what f16 cannot hold.
#if __has_include(<nlohmann/json.hpp>)
#include "support/recipes.hpp"
#include "support/same_bits.hpp"

#include <doctest/doctest.h>
#include <cstring>
#include <filesystem>
#include <lacuna/io.hpp>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// A file of its own, gone at the end.
struct temporary_file {
  std::string path;
  explicit temporary_file(const char* name)
      : path((std::filesystem::temp_directory_path() / (std::string("lacuna_io_f16_") + name)).string()) {}
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

using narrow_model = lc::model<recipes::llama, lc::f16>;
using wide_model = lc::model<recipes::llama>;
const lc::token_view tokens{recipes::stream, std::size(recipes::stream)};

static_assert(lc::parameter_bytes<lc::zoo::stories260k, lc::f16> == 520'064);
static_assert(lc::state_bytes<recipes::llama, lc::f16> == lc::state_bytes<recipes::llama, lc::f32>);


/// Calls `f` with one weight of the model.
template <class Parameters, class Function>
void with_one_weight(Parameters& of, Function&& f) {
  lc::visit_named(
      [&](const char* path, auto& weight) {
        if (std::strcmp(path, "blocks.1.attention.key.weight") == 0) f(weight[5]);
      },
      of);
}
/// Loads the file of an f32 model in which that weight is `value`.
lc::status load_with(float value, narrow_model& into) {
  const temporary_file file("one_weight.safetensors");
  auto model = std::make_unique<wide_model>();
  with_one_weight(model->parameters_to_write(), [&](float& weight) { weight = value; });
  REQUIRE(lc::try_save(*model, file.path).ok());
  return lc::try_load_into(into, file.path);
}

}  // namespace

TEST_CASE("an f16 model is saved as F16 and comes back bit for bit") {
  const temporary_file file("model.safetensors");
  auto model = std::make_unique<narrow_model>();
  recipes::randomise(*model, 8, 0.4);
  REQUIRE(lc::try_save(*model, file.path).ok());
  const auto opened = lc::try_open_checkpoint(file.path);
  REQUIRE(opened.ok());
  for (const auto& entry : opened->entries) {
    CHECK(entry.type_name == "F16");
    CHECK(entry.type == lc::stored_type::f16);
  }
  auto loaded = lc::try_load<narrow_model>(file.path);
  REQUIRE_MESSAGE(loaded.ok(), std::string(loaded.why().message.c_str()));
  CHECK(same_bits(model->parameters(), loaded->parameters()));
  const auto expected = *model->try_forward(tokens), found = *loaded->try_forward(tokens);
  CHECK(std::memcmp(expected.data, found.data, sizeof(float) * 11) == 0);

  // Widened into an f32 model, the weights are the same numbers, and so are the logits.
  auto wide = lc::try_load<wide_model>(file.path);
  REQUIRE(wide.ok());
  bool equal = true;
  lc::visit_tensors(
      [&](const auto& narrow, const auto& widened) {
        for (std::size_t i = 0; i < std::size(narrow.data); ++i) equal = equal && lc::widen(narrow[i]) == widened[i];
      },
      model->parameters(), wide->parameters());
  CHECK(equal);
  const auto widened = *wide->try_forward(tokens);
  CHECK(std::memcmp(expected.data, widened.data, sizeof(float) * 11) == 0);
}

TEST_CASE("an f16 model rounds the weights of other files, and learns") {
  const temporary_file file("wide.safetensors");
  auto wide = std::make_unique<wide_model>();
  recipes::randomise(*wide, 9, 0.4);
  REQUIRE(lc::try_save(*wide, file.path).ok());
  auto model = std::make_unique<lc::model<recipes::llama, lc::f16, lc::training>>();
  REQUIRE(lc::try_load_into(*model, file.path).ok());
  bool rounded = true;
  lc::visit_tensors(
      [&](const auto& narrow, const auto& from) {
        for (std::size_t i = 0; i < std::size(narrow.data); ++i)
          rounded = rounded && narrow[i].bits == lc::float16(from[i]).bits;
      },
      model->parameters(), wide->parameters());
  CHECK(rounded);
  // Gradients are f32, and those of the widened weights.
  const std::vector<float> adjoint(tokens.count * 11, 0.5f);
  const lc::rows<const float, 11> to{adjoint.data(), tokens.count};
  auto exact = std::make_unique<lc::model<recipes::llama, lc::training>>();
  lc::visit_tensors(
      [](const auto& narrow, auto& into) {
        for (std::size_t i = 0; i < std::size(narrow.data); ++i) into[i] = lc::widen(narrow[i]);
      },
      model->parameters(), exact->parameters_to_write());
  exact->update();
  const auto learn = [&](auto& learner) {
    REQUIRE(learner.try_forward_to_learn(tokens).ok());
    REQUIRE(learner.try_backward(tokens, to).ok());
  };
  learn(*model);
  learn(*exact);
  CHECK(same_bits(model->gradients_to_write(), exact->gradients_to_write()));
}

TEST_CASE("a weight beyond f16 is an error that names the tensor, the limit and the weight") {
  auto model = std::make_unique<narrow_model>(), kept = std::make_unique<narrow_model>();
  recipes::randomise(*model, 3, 0.4);
  recipes::randomise(*kept, 3, 0.4);
  for (const float value : {65520.0f, -70000.0f, 131072.0f}) {
    const auto refused = load_with(value, *model);
    REQUIRE(!refused.ok());
    CHECK(refused.why().kind == lc::error_kind::value);
    const std::string message = refused.why().message.c_str();
    CAPTURE(message);
    CHECK(message.find("tensor 'blocks.1.attention.key.weight': element 5: expected a magnitude of at most 65504 in "
                       "f16, found ") != std::string::npos);
    CHECK(message.find("found " + std::to_string(static_cast<int>(value)) + " (") != std::string::npos);
    CHECK(same_bits(model->parameters(), kept->parameters()));
  }
  // What rounds to the largest number is one.
  REQUIRE(load_with(-65519.0f, *model).ok());
  with_one_weight(model->parameters(), [](lc::float16 weight) { CHECK(weight.bits == 0xfbffu); });
}
#endif
