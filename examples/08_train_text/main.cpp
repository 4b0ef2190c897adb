// Trains a decoder on the characters of a text, natively, and writes it where 02_generate reads it.
//   08_train_text --data FILE [--settings FILE] [--out FILE] [--steps N] [--seed N] [--threads N]
//                 [--save-every STEPS]
// The settings, JSON, name one of two recipes (zoo::shipped, and nanoGPT's for a CPU) and every number of the training;
// without them those of zoo::shipped hold. The first nine tenths of the text train, the rest is held out. A training
// that was stopped, however, goes on where it was: OUT.training holds its state, and is removed at the end. A state
// takes the place of the last one when the step behind it has gone well, so that a training that explodes leaves a good
// one. It goes on with the same text and settings only. The same settings give the same bits on any number of threads
// (one unless N says otherwise), stopped or not. OUT is written in bf16, OUT.json says how it came about.
#include "../support/characters_of.hpp"
#include "../support/fast.hpp"
#include "../support/options.hpp"
#include "../support/stop.hpp"
#include "../support/team.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {
namespace lc = lacuna;
using examples::stop;
using examples::team;
using examples::unless_wrong;

/// The shipped model, which would learn its text by heart without dropout; a model that runs has none.
struct shipped {
  static constexpr double dropout = 0.1;
  using attention = lc::attention<lc::heads<4>, lc::kv_heads<2>, lc::rope<>, lc::causal>;
  using feed_forward = lc::ffn<lc::hidden<512>, lc::relu>;
  using with_one = lc::substitute<lc::zoo::shipped, attention, lc::dropout<attention, lc::probability{dropout}>>;
  using recipe = lc::substitute<with_one, feed_forward, lc::dropout<feed_forward, lc::probability{dropout}>>;
  static_assert(lc::same_tensors<recipe, lc::zoo::shipped> && !lc::same<recipe, with_one> &&
                !lc::same<with_one, lc::zoo::shipped>);
};
/// nanoGPT's configuration for a CPU: 4 layers, 4 heads, width 128, windows of 64, no dropout, no biases.
struct nano {
  static constexpr double dropout = 0;
  using recipe = lc::decoder<lc::vocabulary<65>, lc::width<128>, lc::context<64>, lc::learned_position,
                             lc::repeat<4, lc::pre_norm<lc::layer_norm<>, lc::attention<lc::heads<4>, lc::causal>,
                                                        lc::ffn<lc::hidden<512>, lc::gelu>>>,
                             lc::tied_head>;
};

struct request {
  std::string data, out = "trained.safetensors", settings_path = LACUNA_EXAMPLES_FOLDER "/08_train_text/shipped.json";
  std::uint64_t steps = 0, seed = 0;  // 0: as the settings say
  std::uint64_t save_every = 100;     // steps
  unsigned threads = 1;
};

/// Every number of a training.
struct settings {
  std::string recipe;
  std::uint64_t steps = 0, batch = 0, warm_up_steps = 0, seed = 0;
  double rate = 0, last_rate = 0, beta1 = 0, beta2 = 0, weight_decay = 0, clip_norm = 0, deviation = 0, dropout = 0;

  static settings read(const request& asked) {
    const std::string& path = asked.settings_path;
    auto json = nlohmann::json::parse(examples::text_of(path), nullptr, false);
    if (!json.is_object()) stop("08_train_text: '" + path + "': expected an object in JSON, found something else");
    const auto take = [&](const char* key) {
      if (!json.contains(key))
        stop("08_train_text: '" + path + "': expected a key '" + key +
             "', found none (see 08_train_text/shipped.json)");
      const auto value = json[key];
      json.erase(key);
      return value;
    };
    const auto number = [&](const char* key, double least) {
      const auto value = take(key);
      if (!value.is_number() || !(value.template get<double>() >= least))
        stop("08_train_text: '" + path + "': " + key + ": expected a number of at least " + std::to_string(least) +
             ", found " + value.dump());
      return value.template get<double>();
    };
    const auto whole = [&](const char* key, double least) {
      const double value = number(key, least);
      if (value != std::floor(value) || value > 1e15)
        stop("08_train_text: '" + path + "': " + key + ": expected a whole number, found " + std::to_string(value) +
             " (write it without a fraction)");
      return static_cast<std::uint64_t>(value);
    };
    settings read;
    const auto name = take("recipe");
    read.recipe = name.is_string() ? name.get<std::string>() : name.dump();
    read.steps = whole("steps", 1), read.batch = whole("batch", 1), read.warm_up_steps = whole("warm_up_steps", 0);
    read.seed = whole("seed", 0);
    read.rate = number("rate", 0), read.last_rate = number("last_rate", 0), read.beta1 = number("beta1", 0);
    read.beta2 = number("beta2", 0), read.weight_decay = number("weight_decay", 0);
    read.clip_norm = number("clip_norm", 0), read.deviation = number("deviation", 0);
    read.dropout = number("dropout", 0);
    if (!json.empty()) stop("08_train_text: '" + path + "': expected no other key, found '" + json.begin().key() + "'");
    if (asked.steps != 0) read.steps = asked.steps;
    if (asked.seed != 0) read.seed = asked.seed;
    return read;
  }
  nlohmann::ordered_json to_json() const {
    return {{"recipe", recipe},
            {"steps", steps},
            {"batch", batch},
            {"rate", rate},
            {"last_rate", last_rate},
            {"warm_up_steps", warm_up_steps},
            {"beta1", beta1},
            {"beta2", beta2},
            {"weight_decay", weight_decay},
            {"clip_norm", clip_norm},
            {"deviation", deviation},
            {"dropout", dropout},
            {"seed", seed}};
  }
};

request parse(int count, char** arguments) {
  static const option options[]{{"data", required_argument, nullptr, 'd'},
                                {"settings", required_argument, nullptr, 'f'},
                                {"out", required_argument, nullptr, 'o'},
                                {"steps", required_argument, nullptr, 'n'},
                                {"seed", required_argument, nullptr, 's'},
                                {"threads", required_argument, nullptr, 't'},
                                {"save-every", required_argument, nullptr, 'e'},
                                {"help", no_argument, nullptr, 'h'},
                                {nullptr, 0, nullptr, 0}};
  request asked;
  const auto number = [](const char* name, double most) { return examples::number_of("08_train_text", name, 1, most); };
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1;) switch (letter) {
      case 'd':
        asked.data = optarg;
        break;
      case 'f':
        asked.settings_path = optarg;
        break;
      case 'o':
        asked.out = optarg;
        break;
      case 'n':
        asked.steps = static_cast<std::uint64_t>(number("steps", 1e12));
        break;
      case 's':
        asked.seed = static_cast<std::uint64_t>(number("seed", 1e15));
        break;
      case 'e':
        asked.save_every = static_cast<std::uint64_t>(number("save-every", 1e12));
        break;
      case 't':
        asked.threads = static_cast<unsigned>(number("threads", 64));
        break;
      default:
        std::fprintf(stderr,
                     "usage: 08_train_text --data FILE [--settings FILE] [--out FILE] [--steps N] [--seed N]\n"
                     "                     [--threads N] [--save-every STEPS]\n");
        std::exit(letter == 'h' ? 0 : 2);
    }
  examples::refuse_words("08_train_text", count, arguments, "name the file behind --data");
  if (asked.data.empty()) stop("08_train_text: expected a text to learn, found none (add --data FILE)");
  return asked;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What tells a text from others, beside its alphabet: how long it is, and FNV-1a of its tokens.
std::string identity_of(const std::vector<lc::token_t>& tokens) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const lc::token_t token : tokens) hash = (hash ^ token) * 0x100000001b3;
  return std::to_string(tokens.size()) + " characters, " + std::to_string(hash);
}

/// The mean loss over all of a text, window by window: every target once.
template <class Trainer, class Text>
double mean_loss(Trainer& teacher, const Text& over) {
  return unless_wrong(teacher.try_measure(over.windows(),
                                          [&](auto& by, lc::extent_t window) {
                                            lc::task::token_example<Text::length> example;
                                            over.read(window, example);
                                            return lc::try_measure_example(by, example);
                                          }))
      .loss;
}

template <class Choice>
void train(const request& asked, const settings& with) {
  using Recipe = typename Choice::recipe;
  if (with.dropout != Choice::dropout)
    stop("08_train_text: '" + asked.settings_path + "': dropout: expected " + std::to_string(Choice::dropout) +
         ", found " + std::to_string(with.dropout) + " (it is part of the recipe's type: change it there, too)");
  using model_type = lc::model<Recipe, examples::fast>;
  using trainer_type = lc::trainer<model_type, lc::adam_w, lc::parts<4>, team>;
  using text = lc::task::text<lc::task::text_sizes{Recipe::bound::vocabulary, Recipe::bound::context}>;

  const std::string state = asked.out + ".training", next_state = state + ".next", record_path = asked.out + ".json";
  for (const auto& path : {asked.out, record_path, next_state}) unless_wrong(lc::try_check_writable(path));
  const auto [alphabet, tokens] = examples::read_characters("08_train_text", asked.data, Recipe::bound::vocabulary);
  const auto parts = lc::task::split_text({tokens.data(), tokens.size()});
  const auto training = unless_wrong(text::try_make(parts.training));
  const auto validation = unless_wrong(text::try_make(parts.validation));

  auto model = std::make_unique<model_type>();
  lc::draw_weights(*model, {.seed = with.seed, .deviation = with.deviation});
  team threads(asked.threads);
  const auto teacher = std::make_unique<trainer_type>(
      *model, lc::adam_w{.beta1 = with.beta1, .beta2 = with.beta2, .weight_decay = with.weight_decay},
      lc::trainer_options{.seed = with.seed, .clip_norm = with.clip_norm}, threads);
  if (!teacher->ready()) stop("08_train_text: expected memory for the training, found too little");

  // What a state has to be of.
  const std::vector<std::pair<std::string, std::string>> same{
      {"settings", with.to_json().dump()}, {"characters", alphabet.alphabet()}, {"text", identity_of(tokens)}};
  std::error_code code;
  if (std::filesystem::exists(state, code)) {
    const auto opened = unless_wrong(lc::try_read_safetensors(state));
    for (const auto& [key, expected] : same)
      if (lc::find_metadata(opened, key.c_str()) != expected)
        stop("08_train_text: '" + state + "' is of a training with " +
             (key == "settings" ? "other settings" : "another text, or names none, as older versions did") +
             " (finish that one, or remove the file)");
    unless_wrong(lc::try_resume_training(*teacher, opened));
    std::fprintf(stderr, "goes on behind step %llu\n", static_cast<unsigned long long>(teacher->progress().steps));
  }
  bool awaits = false;
  const auto save = [&] {
    const auto saved = lc::try_save_training(*teacher, next_state, same);
    if (!saved.ok()) stop(saved.why().message.c_str());
    awaits = true;
  };
  const auto confirm = [&] {
    if (!awaits) return;
    std::filesystem::rename(next_state, state, code);
    if (code) stop("08_train_text: expected to write '" + state + "', could not: " + code.message());
    awaits = false;
  };
  std::fprintf(stderr, "%s: %zu parameters, %zu characters, of which %zu are held out\n", with.recipe.c_str(),
               lc::parameter_count<Recipe>, tokens.size(), parts.validation.count);

  const auto warm_up = static_cast<double>(with.warm_up_steps) / static_cast<double>(with.steps);
  const auto rate = lc::warm_up(warm_up < 1 ? warm_up : 1.0, lc::cosine_schedule{with.rate, with.last_rate});
  const lc::training_length length{.steps = with.steps};
  const auto begun = std::chrono::steady_clock::now();
  auto shown = begun;
  const std::uint64_t first = teacher->progress().steps, targets = teacher->progress().targets;
  double smooth = 0;
  while (teacher->progress().steps < with.steps) {
    const std::uint64_t step = teacher->progress().steps;
    const auto taught = teacher->try_step(static_cast<lc::extent_t>(with.batch),
                                          rate(length.share({.steps = step + 1})), [&](auto& by, lc::extent_t stream) {
                                            lc::task::token_example<text::length> example;
                                            training.sample(with.seed, step * with.batch + stream, example);
                                            return lc::try_learn_example(by, example);
                                          });
    if (!taught.ok()) {
      std::filesystem::remove(next_state, code);
      stop(std::string(taught.why().message.c_str()) +
           (std::filesystem::exists(state, code) ? "; the last good state is '" + state + "'" : ""));
    }
    confirm();
    smooth = smooth == 0 ? taught->loss : 0.98 * smooth + 0.02 * taught->loss;
    if (seconds_since(shown) > 1 || step + 1 == with.steps) {
      const double passed = seconds_since(begun), done = static_cast<double>(step + 1 - first);
      const double left = passed / done * static_cast<double>(with.steps - step - 1);
      std::fprintf(stderr, "\rstep %llu of %llu, loss %.4f, gradient %.2f, %.0f tokens/s, %d:%02d left   ",
                   static_cast<unsigned long long>(step + 1), static_cast<unsigned long long>(with.steps), smooth,
                   taught->gradient_norm, static_cast<double>(teacher->progress().targets - targets) / passed,
                   static_cast<int>(left) / 60, static_cast<int>(left) % 60);
      shown = std::chrono::steady_clock::now();
    }
    if ((step + 1) % asked.save_every == 0) save();
  }
  const double held_out = mean_loss(*teacher, validation);
  std::fprintf(stderr, "\n");

  // In half the bytes: what is shipped, and its loss.
  auto narrow = std::make_unique<lc::model<Recipe, lc::bf16>>();
  lc::visit_tensors(
      [](auto& to, const auto& from) {
        for (lc::extent_t i = 0; i < to.size; ++i) to[i] = lc::convert_element<lc::bfloat16>(from[i]);
      },
      narrow->parameters_to_write(), model->parameters());
  narrow->update();
  const auto written = lc::try_save(*narrow, asked.out, {{"lacuna.characters", alphabet.alphabet()}});
  if (!written.ok()) stop(written.why().message.c_str());
  lc::visit_tensors(
      [](auto& to, const auto& from) {
        for (lc::extent_t i = 0; i < to.size; ++i) to[i] = lc::widen(from[i]);
      },
      model->parameters_to_write(), narrow->parameters());
  model->update();
  const double narrow_loss = mean_loss(*teacher, validation);

  auto record = with.to_json();
  record["parameters"] = lc::parameter_count<Recipe>;
  record["held_out_loss_nats"] = narrow_loss;
  record["held_out_loss_f32_nats"] = held_out;
  record["training_multiply_adds_forward"] = teacher->progress().multiply_adds;
  const std::string card = record.dump(2) + "\n";
  unless_wrong(lc::try_write_file(record_path, {card.begin(), card.end()}));
  std::printf("held-out loss: %.4f nats per character (f32 %.4f), written to %s\n", narrow_loss, held_out,
              asked.out.c_str());
  std::filesystem::remove(state, code);
  std::filesystem::remove(next_state, code);
}

}  // namespace

int main(int count, char** arguments) {
  const request asked = parse(count, arguments);
  const settings with = settings::read(asked);
  if (with.recipe == "shipped")
    train<shipped>(asked, with);
  else if (with.recipe == "nano")
    train<nano>(asked, with);
  else
    stop("08_train_text: recipe: expected shipped or nano, found " + with.recipe);
  return 0;
}
