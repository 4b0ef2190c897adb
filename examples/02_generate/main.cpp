// Generates text with a trained model. Prompt and text go to standard output, figures to standard error.
//   02_generate [--model FILE] [--tokenizer FILE] [--prompt TEXT] [--tokens N] [--temperature T] [--top-k K]
//               [--top-p P] [--seed S]
// The file chooses between two types, zoo::shipped and zoo::stories260k; any other shape is an error that lists both. A
// model of a text with fewer characters than its vocabulary can draw a token that is none of them: it is shown as
// U+FFFD.
#include "../support/fast.hpp"
#include "../support/options.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <optional>
#include <string>
#include <string_view>
namespace lc = lacuna;

namespace {
using examples::stop;
using examples::unless_wrong;

#ifdef LACUNA_EXAMPLES_FOLDER
const std::string shipped_model = LACUNA_EXAMPLES_FOLDER "/models/shipped.safetensors";
#else
const std::string shipped_model = "examples/models/shipped.safetensors";
#endif

struct request {
  std::string model = shipped_model, tokenizer, prompt;
  bool prompted = false;
  lc::generate_options sampling{.temperature = 0.8f, .top_k = 0, .top_p = 0.95f, .seed = 1, .tokens = 200};
};

request parse(int count, char** arguments) {
  static const option options[]{{"model", required_argument, nullptr, 'm'},
                                {"tokenizer", required_argument, nullptr, 'v'},
                                {"prompt", required_argument, nullptr, 'p'},
                                {"tokens", required_argument, nullptr, 'n'},
                                {"temperature", required_argument, nullptr, 't'},
                                {"top-k", required_argument, nullptr, 'k'},
                                {"top-p", required_argument, nullptr, 'q'},
                                {"seed", required_argument, nullptr, 's'},
                                {"help", no_argument, nullptr, 'h'},
                                {nullptr, 0, nullptr, 0}};
  request wanted;
  const auto number = [](const char* name, double least, double most, bool whole = true) {
    return examples::number_of("02_generate", name, least, most, whole);
  };
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1;) switch (letter) {
      case 'm':
        wanted.model = optarg;
        break;
      case 'v':
        wanted.tokenizer = optarg;
        break;
      case 'p':
        wanted.prompt = optarg, wanted.prompted = true;
        break;
      case 'n':
        wanted.sampling.tokens = static_cast<lc::extent_t>(number("tokens", 1, 1e9));
        break;
      case 't':
        wanted.sampling.temperature = static_cast<float>(number("temperature", 0, 1e6, false));
        break;
      case 'k':
        wanted.sampling.top_k = static_cast<lc::extent_t>(number("top-k", 0, 1e9));
        break;
      case 'q':
        wanted.sampling.top_p = static_cast<float>(number("top-p", 1e-6, 1, false));
        break;
      case 's':
        wanted.sampling.seed = static_cast<std::uint64_t>(number("seed", 0, 9e15));
        break;
      default:
        std::fprintf(stderr,
                     "usage: 02_generate [--model FILE] [--tokenizer FILE] [--prompt TEXT] [--tokens N]\n"
                     "                   [--temperature T] [--top-k K] [--top-p P] [--seed S]\n");
        std::exit(letter == 'h' ? 0 : 2);
    }
  examples::refuse_words("02_generate", count, arguments, "quote a prompt: --prompt TEXT");
  return wanted;
}

template <class Model, lc::Tokenizer Vocabulary>
void generate(Model& model, const Vocabulary& vocabulary, const request& wanted) {
  const auto prompt = unless_wrong(vocabulary.try_encode(wanted.prompt));
  const auto start = std::chrono::steady_clock::now();
  std::fputs(wanted.prompt.c_str(), stdout);
  std::fflush(stdout);

  auto sampling = wanted.sampling;
  if (const auto begin = vocabulary.begin_token()) sampling.stop = *begin;
  auto stream = prompt;
  std::uint32_t previous = prompt.empty() ? lc::no_token : prompt.back();
  try {
    for (auto token : lc::generate(model, prompt, sampling)) {
      const auto known = vocabulary.try_decode(previous, token);
      const std::string_view piece = known.ok() ? std::string_view(*known) : "\xEF\xBF\xBD";
      std::fwrite(piece.data(), 1, piece.size(), stdout);
      std::fflush(stdout);
      previous = token;
      stream.push_back(token);
    }
  } catch (const lc::failure& why) {
    stop(why.what());
  }
  std::puts("");
  std::fflush(stdout);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::fprintf(stderr, "%zu tokens in the prompt, %zu generated, %.1f tokens/s, context %zu of %zu used\n",
               prompt.size(), stream.size() - prompt.size(), static_cast<double>(stream.size()) / seconds,
               model.position(), Model::context);

  // The same text once more, watched: how many neurons were active.
  stream.resize(std::min<std::size_t>(stream.size(), Model::context));
  lc::activity_counter activity;
  model.reset();
  unless_wrong(model.try_forward_watched(lc::watched{model.backend(), activity}, {stream.data(), stream.size()},
                                         [](lc::extent_t, const auto&) {}));
  std::fprintf(stderr, "active neurons: %.1f %% of the feed-forward on average, %.1f %% are silent\n",
               100 * activity.share(), 100 - 100 * activity.share());
}

template <class Recipe>
void report(const char* name, const request& wanted) {
  std::fprintf(stderr, "%s from %s: %zu parameters, %zu bytes with packed weights, cache and workspace\n", name,
               wanted.model.c_str(), lc::parameter_count<Recipe>, lc::model_bytes<lc::model<Recipe, examples::fast>>);
}

}  // namespace

int main(int count, char** arguments) {
  request wanted = parse(count, arguments);
  const auto checkpoint = lc::try_open_checkpoint(wanted.model.c_str());
  if (!checkpoint.ok()) stop(checkpoint.why().message.c_str());

  lc::model<lc::zoo::shipped, examples::fast> shipped;
  const auto as_shipped = lc::try_load_into(shipped, *checkpoint);
  if (as_shipped.ok()) {
    report<lc::zoo::shipped>("zoo::shipped", wanted);
    const auto alphabet = lc::find_metadata(*checkpoint, "lacuna.characters");
    if (!alphabet) stop("02_generate: the model holds no characters (write them as metadata lacuna.characters)");
    if (!wanted.tokenizer.empty()) stop("02_generate: zoo::shipped brings its own characters (leave --tokenizer out)");
    if (!wanted.prompted) wanted.prompt = "ROMEO:\n";
    generate(shipped, unless_wrong(lc::characters::try_make(*alphabet)), wanted);
    return 0;
  }
  lc::model<lc::zoo::stories260k, examples::fast> stories;
  const auto as_stories = lc::try_load_into(stories, *checkpoint);
  if (as_stories.ok()) {
    report<lc::zoo::stories260k>("zoo::stories260k", wanted);
    if (wanted.tokenizer.empty())
      stop("02_generate: zoo::stories260k needs its vocabulary (add --tokenizer tok512.bin)");
    generate(stories, unless_wrong(lc::try_read_llama2c_tokenizer(wanted.tokenizer.c_str(), 512)), wanted);
    return 0;
  }
  std::fprintf(stderr,
               "02_generate: '%s' fits neither type of this program.\n  zoo::shipped: %s\n  zoo::stories260k: %s\n",
               wanted.model.c_str(), as_shipped.why().message.c_str(), as_stories.why().message.c_str());
  return 1;
}
