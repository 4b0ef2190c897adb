// Searches text files by meaning: all-MiniLM-L6-v2 turns the query and every passage into a vector, and the passages
// whose vectors point the way of the query's come first. Results go to standard output, all else to standard error.
//   05_semantic_search [-n COUNT] [-p] QUERY FILE...
// A passage is a line, or with -p a paragraph (lines up to an empty one). scripts/fetch_minilm fetches the model.
#include <getopt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <lacuna/io.hpp>
#include <lacuna/lacuna.hpp>
#include <memory>
#include <string>
#include <vector>

#include "../support/fast.hpp"
#include "../support/passages.hpp"
#include "../support/unicode.hpp"
namespace lc = lacuna;

namespace {

using examples::fast;
using sentence_model = lc::model<lc::zoo::minilm, fast>;
using words = lc::word_piece<examples::unicode>;
using vector = lc::tensor<float, lc::zoo::minilm::width>;

constexpr lc::extent_t most_sequences = 32;  // of one pass
/// Texts that the model's authors let it read. It has positions for more, which its training on sentences never saw.
constexpr lc::extent_t longest_passage = 256;
static_assert(longest_passage <= sentence_model::context);

[[noreturn]] void stop(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "05_semantic_search: %s\n", message.c_str());
  std::exit(EXIT_FAILURE);
}
template <class Value>
Value unless_wrong(lc::outcome<Value> of) {
  if (!of.ok()) stop(of.why().message.c_str());
  return of.take();
}

struct request {
  std::size_t count = 5;
  examples::passages_are kind = examples::passages_are::lines;
  std::string query;
  std::vector<std::string> files;
};

request parse(int count, char** arguments) {
  const auto usage = [](int code) {
    std::fprintf(code == 0 ? stdout : stderr,
                 "usage: 05_semantic_search [-n COUNT] [-p] QUERY FILE...\n"
                 "  -n COUNT  how many passages are shown (5)\n"
                 "  -p        a passage is a paragraph, not a line\n");
    std::exit(code);
  };
  request wanted;
  for (int letter; (letter = getopt(count, arguments, "n:ph")) != -1;) switch (letter) {
      case 'n': {
        char* end = nullptr;
        const long value = std::strtol(optarg, &end, 10);
        if (end == optarg || *end != '\0' || value < 1 || value > 1'000'000)
          stop(std::string("-n: expected a whole number from 1 to 1000000, found '") + optarg + "'");
        wanted.count = static_cast<std::size_t>(value);
        break;
      }
      case 'p':
        wanted.kind = examples::passages_are::paragraphs;
        break;
      default:
        usage(letter == 'h' ? EXIT_SUCCESS : EXIT_FAILURE);
    }
  if (count - optind < 2) usage(EXIT_FAILURE);
  wanted.query = arguments[optind];
  wanted.files.assign(arguments + optind + 1, arguments + count);
  return wanted;
}

/// Where scripts/fetch_minilm puts the model.
std::filesystem::path model_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  auto folder = variable("LACUNA_MINILM");
  if (folder.empty()) {
    const auto cache = variable("XDG_CACHE_HOME");
    folder = (cache.empty() ? variable("HOME") / ".cache" : cache) / "lacuna" / "all-MiniLM-L6-v2";
  }
  for (const char* name : {"vocab.txt", "model.safetensors"})
    if (std::error_code ignored; !std::filesystem::exists(folder / name, ignored))
      stop("expected the model in " + folder.string() + ", found no " + name +
           " (fetch it: scripts/fetch_minilm; LACUNA_MINILM names another folder)");
  return folder;
}

struct found_passage {
  const std::string* file;
  examples::passage passage;
  float score = 0;
};

/// The passages of all files. What is wrong with a file is said, and counted; the others are searched.
std::vector<found_passage> read_all(const request& wanted, const words& vocabulary, std::size_t& refused) {
  std::vector<found_passage> all;
  for (const std::string& file : wanted.files) {
    const auto note = [&](const examples::passage_note& of) {
      if (of.what == examples::passage_note::cut) {
        std::fprintf(stderr, "%s:%zu: %zu tokens are more than %zu: cut into %zu passages", file.c_str(), of.line,
                     of.tokens, longest_passage, of.pieces);
        if (of.left_out > 0)
          std::fprintf(stderr, "; pieces left out, the tokenizer knows none of their characters: %zu", of.left_out);
        std::fputc('\n', stderr);
      } else {
        std::fprintf(stderr, "%s:%zu: left out, the tokenizer knows none of its characters\n", file.c_str(), of.line);
      }
    };
    const auto read = examples::try_read_passages(file, vocabulary, longest_passage, wanted.kind, note);
    if (!read.ok()) {
      std::fprintf(stderr, "05_semantic_search: %s\n", read.why().message.c_str());
      ++refused;
      continue;
    }
    for (const auto& passage : *read) all.push_back({&file, passage});
  }
  return all;
}

/// A row of the model with length 1.
vector direction_of(const float* row) {
  vector made;
  double squares = 0;
  for (lc::extent_t c = 0; c < vector::size; ++c) squares += static_cast<double>(row[c]) * static_cast<double>(row[c]);
  for (lc::extent_t c = 0; c < vector::size; ++c) made[c] = row[c] / static_cast<float>(std::sqrt(squares));
  return made;
}
float cosine(const vector& a, const vector& b) {
  float sum = 0;
  for (lc::extent_t c = 0; c < vector::size; ++c) sum += a[c] * b[c];
  return sum;
}

/// Scores passages [first, last), several in one pass and no token in vain. `done(passages)` is called after each pass.
template <class Done>
void score(sentence_model& model, const vector& query, std::vector<found_passage>& all, std::size_t first,
           std::size_t last, Done&& done) {
  std::vector<std::uint32_t> lengths, passes(last - first), room(2 * (last - first));
  for (std::size_t i = first; i < last; ++i)
    lengths.push_back(static_cast<std::uint32_t>(all[i].passage.tokens.size()));
  const auto count = unless_wrong(lc::try_pack_sequences({lengths.data(), lengths.size()}, sentence_model::context,
                                                         most_sequences, passes.data(), room.data()));
  for (lc::extent_t pass = 0; pass < count; ++pass) {
    std::vector<lc::token_t> tokens;
    std::vector<std::uint32_t> sizes;
    std::vector<std::size_t> which;
    for (std::size_t i = first; i < last; ++i) {
      if (passes[i - first] != pass) continue;
      tokens.insert(tokens.end(), all[i].passage.tokens.begin(), all[i].passage.tokens.end());
      sizes.push_back(lengths[i - first]), which.push_back(i);
    }
    const auto rows = unless_wrong(model.try_encode({tokens.data(), tokens.size()}, {sizes.data(), sizes.size()}));
    for (std::size_t r = 0; r < which.size(); ++r)
      all[which[r]].score = cosine(query, direction_of(rows.data + r * vector::size));
    done(which.size());
  }
}

/// Columns of the terminal that results go to; where they go to a file, texts are whole.
std::size_t columns() {
  winsize size{};
  return isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
             ? size.ws_col
             : std::size_t{1} << 20;
}

}  // namespace

int main(int count, char** arguments) {
  const request wanted = parse(count, arguments);
  const auto folder = model_folder();
  static_assert(lc::zoo::bert_uncased.size == sentence_model::vocabulary);
  const auto vocabulary = unless_wrong(
      lc::try_read_word_piece<examples::unicode>((folder / "vocab.txt").string(), lc::zoo::bert_uncased));
  const auto query = unless_wrong(examples::try_encode_query(wanted.query, vocabulary, longest_passage));
  std::size_t refused = 0;
  auto all = read_all(wanted, vocabulary, refused);
  if (all.empty()) stop("nothing to search: no file has text");

  const auto model = std::make_unique<sentence_model>();
  const auto checkpoint = unless_wrong(lc::try_open_bert((folder / "model.safetensors").string()));
  if (const auto loaded = lc::try_load_into(*model, checkpoint); !loaded.ok()) stop(loaded.why().message.c_str());
  const vector wish = direction_of(unless_wrong(model->try_encode({query.data(), query.size()})).data);

  // Packing compares all with all, so it is done for some at a time.
  constexpr std::size_t at_once = 512;
  std::size_t scored = 0;
  for (std::size_t first = 0; first < all.size(); first += at_once)
    score(*model, wish, all, first, std::min(all.size(), first + at_once), [&](std::size_t passages) {
      scored += passages;
      std::fprintf(stderr, "\rpassage %zu of %zu", scored, all.size());
    });
  std::fprintf(stderr, "\r%-60s\r", "");

  std::vector<const found_passage*> best;
  for (const auto& each : all) best.push_back(&each);
  std::sort(best.begin(), best.end(), [](const auto* a, const auto* b) {
    return a->score > b->score || (a->score == b->score && a < b);  // in the order of the files on a tie
  });
  const std::size_t width = columns();
  for (std::size_t i = 0; i < std::min(wanted.count, best.size()); ++i) {
    char front[32];
    std::snprintf(front, sizeof front, "%6.3f  ", static_cast<double>(best[i]->score));
    const std::string place = front + *best[i]->file + ':' + std::to_string(best[i]->passage.line) + ": ";
    const std::size_t room = width > place.size() + 20 ? width - place.size() - 3 : 17;
    std::printf("%s%s\n", place.c_str(), examples::one_line(best[i]->passage.text, room).c_str());
  }
  if (refused != 0)
    std::fprintf(stderr, "05_semantic_search: %zu of %zu files could not be searched\n", refused, wanted.files.size());
  return refused == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
