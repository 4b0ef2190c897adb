// llama2.c checkpoints: the real model writes the reference text on every axis; what fits no recipe is refused.
#if __has_include(<nlohmann/json.hpp>)
#include "support/data.hpp"
#include "support/recipes.hpp"
#include "support/worse.hpp"

#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <filesystem>
#include <initializer_list>
#include <lacuna/io.hpp>
#include <memory>
#include <string>
#include <vector>

namespace {
namespace lc = lacuna;

/// stories260k with other sizes.
template <lc::extent_t Width, lc::extent_t Layers, lc::extent_t Heads, lc::extent_t KvHeads, class Activation = lc::silu>
using like_stories = lc::decoder<lc::vocabulary<512>, lc::width<Width>, lc::context<512>,
    lc::repeat<Layers, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<Heads>, lc::kv_heads<KvHeads>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<172>, lc::gated<Activation>>>>,
    lc::tied_head>;
/// recipes::llama with a head of its own.
using untied = lc::decoder<lc::vocabulary<11>, lc::width<8>, lc::context<20>,
    lc::repeat<2, lc::pre_norm<lc::rms_norm<>,
        lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>,
        lc::ffn<lc::hidden<12>, lc::gated<lc::silu>>>>,
    lc::linear_head<>>;

using header = std::vector<std::int32_t>;
const header llama_sizes{8, 12, 2, 4, 2, 11, 20}, untied_sizes{8, 12, 2, 4, 2, -11, 20};
/// Elements of a checkpoint of recipes::llama: up to the angles, the angles, the head.
constexpr std::size_t before_angles = 1088, angles = 40, head = 88;

/// A checkpoint whose element i is i; the angles, which nobody reads, are NaN.
lc::file_bytes checkpoint(const header& sizes, std::size_t elements) {
  lc::file_bytes bytes(28 + 4 * elements);
  std::memcpy(bytes.data(), sizes.data(), 28);
  for (std::size_t i = 0; i < elements; ++i) {
    const bool angle = i >= before_angles && i < before_angles + angles;
    const float value = angle ? std::nanf("") : static_cast<float>(i);
    std::memcpy(bytes.data() + 28 + 4 * i, &value, 4);
  }
  return bytes;
}

void check_message(const lc::error& why, lc::error_kind kind, std::initializer_list<const char*> parts) {
  const std::string message = why.message.c_str();
  CAPTURE(message);
  CHECK(why.kind == kind);
  CHECK(message.rfind("lacuna::load: '", 0) == 0);
  CHECK(message.find('\n') == std::string::npos);
  for (const char* part : parts) CHECK_MESSAGE(message.find(part) != std::string::npos, std::string(part));
}
void refused(const lc::file_bytes& bytes, std::initializer_list<const char*> parts) {
  const auto parsed = lc::try_parse_llama2c("bad.bin", bytes);
  REQUIRE(!parsed.ok());
  check_message(parsed.why(), lc::error_kind::file, parts);
}

/// Loading into this recipe fails with a message, and the model is as it was.
template <class Recipe>
void does_not_fit(const lc::directory& from, std::initializer_list<const char*> parts) {
  auto model = std::make_unique<lc::model<Recipe>>();
  recipes::randomise(*model, 1, 0.5);
  using parameters = std::remove_cvref_t<decltype(model->parameters())>;
  const auto kept = std::make_unique<parameters>(model->parameters());
  const auto loaded = lc::try_load_into(*model, from);
  REQUIRE(!loaded.ok());
  check_message(loaded.why(), lc::error_kind::shape, parts);
  bool same = true;
  lc::visit_tensors([&](const auto& a, const auto& b) { same = same && std::memcmp(a.data, b.data, sizeof a.data) == 0; },
                    model->parameters(), *kept);
  CHECK(same);
}

/// The reference text and what it takes to write it. Without data `text` is empty.
struct stories {
  std::string model = test_data("models/stories260K.bin"), text;
  lc::llama2c_vocabulary vocabulary;
  stories() {
    const auto tokenizer = test_data("models/tok512.bin"), reference = test_data("models/stories260K.greedy256.txt");
    if (model.empty() || tokenizer.empty() || reference.empty()) return;
    vocabulary = lc::try_read_llama2c_tokenizer(tokenizer, 512).take();
    const auto bytes = lc::try_read_file(reference).take();
    text.assign(bytes.begin(), bytes.end());
  }
};

template <class Model>
std::string greedy_text(Model& model, const lc::llama2c_vocabulary& vocabulary) {
  const auto prompt = vocabulary.try_encode("").take();
  std::string text;
  auto previous = prompt.back();
  for (auto token : lc::generate(model, prompt, {.temperature = 0.0f, .tokens = 256, .stop = *vocabulary.begin_token()})) {
    text += vocabulary.try_decode(previous, token).take();
    previous = token;
  }
  return text + '\n';
}

}  // namespace

TEST_CASE("llama2.c: the real model writes the reference text") {
  const stories given;
  if (given.text.empty()) return;
  auto model = lc::try_load<lc::model<lc::zoo::stories260k>>(given.model.c_str());
  REQUIRE_MESSAGE(model.ok(), std::string(model.why().message.c_str()));
  CHECK(greedy_text(*model, given.vocabulary) == given.text);
  CHECK(greedy_text(*model, given.vocabulary) == given.text);  // and once more: nothing is left of the first stream
}

TEST_CASE("llama2.c: the same text in place, ready to learn, and in f64") {
  const stories given;
  if (given.text.empty()) return;
  static lc::model<lc::zoo::stories260k, lc::in_place> in_place;
  REQUIRE(lc::try_load_into(in_place, given.model.c_str()).ok());
  CHECK(greedy_text(in_place, given.vocabulary) == given.text);
  auto learning = lc::load<lc::model<lc::zoo::stories260k, lc::training>>(given.model.c_str());
  CHECK(greedy_text(learning, given.vocabulary) == given.text);
  auto wide = lc::load<lc::model<lc::zoo::stories260k, lc::f64>>(given.model.c_str());
  CHECK(greedy_text(wide, given.vocabulary) == given.text);
}

TEST_CASE("llama2.c: a long prompt and decoding equal one full forward") {
  const stories given;
  if (given.text.empty()) return;
  auto tokens = given.vocabulary.try_encode(given.text).take();
  constexpr std::size_t prompt = 100, all = 120;
  REQUIRE(tokens.size() > all);
  tokens.resize(all);
  auto whole = lc::load<lc::model<lc::zoo::stories260k, lc::training>>(given.model.c_str());
  auto pieces = lc::load<lc::model<lc::zoo::stories260k>>(given.model.c_str());
  const auto expected = whole.try_forward_to_learn({tokens.data(), all});
  REQUIRE(expected.ok());
  float largest = 0;
  double difference = 0;
  const auto compare = [&](std::size_t row, const auto& logits) {
    for (std::size_t i = 0; i < 512; ++i) {
      largest = std::max(largest, std::fabs((*expected)(row, i)));
      difference = worse(difference, std::fabs((*expected)(row, i) - logits(0, i)));
    }
  };
  compare(prompt - 1, pieces.forward({tokens.data(), prompt}));
  for (std::size_t t = prompt; t < all; ++t) compare(t, pieces.forward({tokens.data() + t, 1}));
  CHECK(largest > 1);
  CHECK(difference <= 1e-5 * largest);
}

TEST_CASE("llama2.c: recipes that the real model does not fit") {
  const stories given;
  if (given.text.empty()) return;
  const auto opened = lc::try_open_checkpoint(given.model).take();
  does_not_fit<like_stories<64, 6, 8, 4>>(opened, {"layers: expected 6, found 5"});
  does_not_fit<like_stories<32, 5, 8, 4>>(opened, {"width: expected 32, found 64"});
  does_not_fit<like_stories<64, 5, 4, 2>>(opened, {"heads: expected 4, found 8"});  // the very same shapes
  does_not_fit<like_stories<64, 5, 8, 8>>(opened, {"kv_heads: expected 8, found 4"});
  does_not_fit<lc::zoo::shipped>(opened, {"vocabulary: expected 65, found 512"});
  // Nothing in the file tells one activation from another: this fits.
  CHECK(lc::try_load<lc::model<like_stories<64, 5, 8, 4, lc::relu>>>(given.model.c_str()).ok());
  // Without the sizes, the shapes still speak.
  auto bare = opened;
  bare.metadata.clear();
  does_not_fit<like_stories<64, 6, 8, 4>>(bare, {"tensor 'blocks.5.attention_norm.gain'", "no such tensor", "nearest is"});
  does_not_fit<like_stories<64, 4, 8, 4>>(bare, {"found another: 'blocks.4.attention_norm.gain'"});
  does_not_fit<like_stories<32, 5, 8, 4>>(bare, {"'embedding.weight'", "expected shape (512, 32), found (512, 64)"});
}

TEST_CASE("llama2.c: every tensor of a checkpoint with a head of its own lands in its place") {
  const auto parsed = lc::try_parse_llama2c("untied.bin", checkpoint(untied_sizes, before_angles + angles + head));
  REQUIRE_MESSAGE(parsed.ok(), std::string(parsed.why().message.c_str()));
  auto model = std::make_unique<lc::model<untied>>();
  const auto loaded = lc::try_load_into(*model, *parsed);
  REQUIRE_MESSAGE(loaded.ok(), std::string(loaded.why().message.c_str()));
  // Where each kind begins in the file, counted by hand, and the elements of one layer.
  struct place {
    const char* name;
    std::size_t begin, elements;
  };
  const std::vector<place> places{
      {"embedding.weight", 0, 88},          {"attention_norm.gain", 88, 8},      {"attention.query.weight", 104, 64},
      {"attention.key.weight", 232, 32},    {"attention.value.weight", 296, 32}, {"attention.output.weight", 360, 64},
      {"ffn_norm.gain", 488, 8},            {"ffn.gate.weight", 504, 96},        {"ffn.down.weight", 696, 96},
      {"ffn.up.weight", 888, 96},           {"final_norm.gain", 1080, 8},        {"head.weight", 1128, 88}};
  std::size_t seen = 0;
  lc::visit_named([&](const char* path, const auto& tensor) {
    const std::string name = path;
    const bool in_block = name.rfind("blocks.", 0) == 0;
    const std::string kind = in_block ? name.substr(9) : name;
    const std::size_t layer = in_block ? static_cast<std::size_t>(name[7] - '0') : 0;
    for (const auto& at : places) {
      if (kind != at.name) continue;
      ++seen;
      REQUIRE(std::size(tensor.data) == at.elements);
      for (std::size_t i = 0; i < at.elements; ++i)
        CHECK(tensor[i] == static_cast<float>(at.begin + layer * at.elements + i));
    }
  }, model->parameters());
  CHECK(seen == 2 * 9 + 3);

  does_not_fit<recipes::llama>(*parsed, {"found another: 'head.weight'"});
  const auto tied = lc::try_parse_llama2c("tied.bin", checkpoint(llama_sizes, before_angles + angles));
  REQUIRE(tied.ok());
  does_not_fit<untied>(*tied, {"tensor 'head.weight'", "found no such tensor"});
  CHECK(lc::try_load_into(*std::make_unique<lc::model<recipes::llama>>(), *tied).ok());
}

TEST_CASE("llama2.c: headers of no model") {
  const auto whole = checkpoint(llama_sizes, before_angles + angles);
  static constexpr const char* names[]{"dim", "hidden_dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "seq_len"};
  for (std::size_t i = 0; i < 7; ++i)
    for (const std::int32_t wrong : {0, -1, -20, std::int32_t{1} << 22, 0x7fffffff, -0x7fffffff - 1}) {
      auto sizes = llama_sizes;
      sizes[i] = wrong;
      if (i == 5 && (wrong == -1 || wrong == -20)) continue;  // a head of its own
      std::string found = std::string("found ") + names[i] + ' ' + std::to_string(wrong);
      if (i == 5 && wrong < 0) found = "found vocab_size 2147483648";
      refused(checkpoint(sizes, before_angles + angles), {"expected a llama2.c model", found.c_str()});
    }
  refused(checkpoint({8, 12, 2, 3, 1, 11, 20}, before_angles), {"heads that divide the width", "dim 8, n_heads 3"});
  refused(checkpoint({8, 12, 2, 4, 3, 11, 20}, before_angles), {"kv_heads that divide heads", "n_kv_heads 3"});
  // The largest sizes that pass the header: the products stay below 2^64, and no memory is taken for them.
  constexpr std::int32_t most = 1 << 21;
  refused(checkpoint({most, most, 4096, 1, 1, most, most}, 10), {"n_layers 4096", "found 68"});
  refused(checkpoint({8, 12, 4097, 4, 2, 11, 20}, before_angles), {"found n_layers 4097"});
  refused(checkpoint({8, 12, 2, 4, 2, -11, 20}, before_angles + angles), {"expected 4892 bytes", "found 4540"});
  refused(checkpoint({8, 12, 3, 4, 2, 11, 20}, before_angles + angles), {"n_layers 3", "found 4540"});

  auto longer = whole;
  longer.push_back(0);
  refused(longer, {"expected 4540 bytes for dim 8, hidden_dim 12, n_layers 2, vocab_size 11, found 4541"});
  refused(lc::file_bytes(whole.begin(), whole.begin() + 27), {"header of 28 bytes, found 27", "is the file whole"});
}

TEST_CASE("llama2.c: refused at every length that is not its own, and in bounds with any bit of the header flipped") {
  const auto whole = checkpoint(llama_sizes, before_angles + angles);
  CHECK(lc::try_parse_llama2c("whole", whole).ok());
  bool ever = false;
  for (std::size_t length = 0; length < whole.size(); ++length)
    ever = ever || lc::try_parse_llama2c("cut", {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).ok();
  CHECK(!ever);
  for (std::size_t bit = 0; bit < 8 * 28; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<unsigned char>(flipped[bit / 8] ^ (1u << bit % 8));
    const auto parsed = lc::try_parse_llama2c("flipped", std::move(flipped));
    if (!parsed.ok()) continue;
    for (const auto& entry : parsed->entries) CHECK((entry.begin <= entry.end && entry.end <= parsed->bytes.size()));
  }
}

TEST_CASE("llama2.c: files that are none") {
  const auto check = [](const std::string& path, std::initializer_list<const char*> parts) {
    const auto loaded = lc::try_load<lc::model<recipes::llama>>(path.c_str());
    REQUIRE(!loaded.ok());
    check_message(loaded.why(), lc::error_kind::file, parts);
    CHECK_THROWS_AS(lc::load<lc::model<recipes::llama>>(path.c_str()), lc::failure);
  };
  check("no/such/file.bin", {"'no/such/file.bin'", "expected a file, found none"});
  check(LACUNA_REPOSITORY, {"expected a file, found a directory"});
  check(LACUNA_REPOSITORY "/README.md", {"expected a llama2.c model, found dim ", "nor is it safetensors"});
}

TEST_CASE("llama2.c: 123 layers are not the brace of a safetensors header") {
  // Of width 2: embedding, then per layer 2 gains of 2, 4 matrices of 4, 3 of 2; the final gain, angles.
  const std::size_t elements = 2 + 123 * (4 + 16 + 6) + 2 + 2;
  const auto path = (std::filesystem::temp_directory_path() / "lacuna_io_123_layers.bin").string();
  REQUIRE(lc::try_write_file(path, checkpoint({2, 1, 123, 1, 1, 1, 1}, elements)).ok());
  const auto opened = lc::try_open_checkpoint(path);
  std::filesystem::remove(path);
  REQUIRE_MESSAGE(opened.ok(), std::string(opened.why().message.c_str()));
  CHECK(lc::find_metadata(*opened, "lacuna.layers") == "123");
}
#endif
