#pragma once
/// The vocabulary of llama2.c: byte-pair pieces with scores, and bytes for what has no piece.

#include <lacuna/token/token.hpp>
#include <lacuna/token/utf8.hpp>
#include <queue>
#include <string>
#include <unordered_map>

LACUNA_BEGIN

/// Tokens 0, 1, 2 are unknown, begin and end; 3 to 258 are the bytes `<0x00>` to `<0xFF>`; pieces follow.
///
/// Encoding: the begin token, a space in front of the text, its characters (bytes where a character has no piece), and
/// then the pair whose merged piece has the highest score is merged, leftmost first, until none is left:
/// O(n log n) for n bytes. Source: Sennrich et al. (2015), arXiv 1508.07909, as in llama2.c's run.c.
class llama2c_vocabulary {
 public:
  static constexpr token_t begin = 1;
  static constexpr token_t first_byte = 3;

  llama2c_vocabulary() = default;
  /// From pieces and scores, in token order. Error: fewer than the special tokens and bytes need.
  static outcome<llama2c_vocabulary> try_make(std::vector<std::string> pieces, std::vector<float> scores) {
    if (pieces.size() < first_byte + 256 || scores.size() != pieces.size())
      return error(error_kind::token, "lacuna::tokenizer: expected at least 259 pieces with a score each, found ")
             << static_cast<std::uint64_t>(pieces.size()) << " and " << static_cast<std::uint64_t>(scores.size())
             << " (is it a llama2.c tokenizer?)";
    llama2c_vocabulary made;
    made.pieces_ = std::move(pieces);
    made.scores_ = std::move(scores);
    for (extent_t i = 0; i < made.pieces_.size(); ++i)
      made.numbers_.emplace(made.pieces_[i], static_cast<token_t>(i));  // the first of equal pieces counts
    for (unsigned byte = 0; byte < 256; ++byte) made.bytes_[byte] = static_cast<char>(byte);
    return made;
  }

  extent_t size() const noexcept { return pieces_.size(); }
  std::optional<token_t> begin_token() const noexcept { return begin; }

  /// The begin token and the text's tokens. Error: text that is not UTF-8.
  outcome<std::vector<token_t>> try_encode(std::string_view text) const {
    std::vector<token_t> tokens{begin};
    if (text.empty()) return tokens;
    if (const auto space = numbers_.find(" "); space != numbers_.end()) tokens.push_back(space->second);
    for (extent_t at = 0; at < text.size();) {
      const extent_t bytes = code_point_bytes(text.substr(at));
      if (bytes == 0) return not_utf8("lacuna::tokenizer: text", text, at);
      const auto found = numbers_.find(std::string(text.substr(at, bytes)));
      if (found != numbers_.end())
        tokens.push_back(found->second);
      else
        for (extent_t i = 0; i < bytes; ++i)
          tokens.push_back(first_byte + static_cast<unsigned char>(text[at + i]));
      at += bytes;
    }
    merge(tokens);
    return tokens;
  }

  /// The text of a token; directly behind the begin token one leading space is left out. Error: out of range.
  outcome<std::string_view> try_decode(token_t previous, token_t token) const {
    if (token >= size())
      return error(error_kind::token, "lacuna::tokenizer: expected a token below ")
             << static_cast<std::uint64_t>(size()) << ", found " << static_cast<std::uint64_t>(token)
             << " (the model has another vocabulary)";
    const std::string& piece = pieces_[token];
    if (piece.size() == 6 && piece.compare(0, 3, "<0x") == 0 && piece[5] == '>') {
      const int high = digit(piece[3]), low = digit(piece[4]);
      if (high >= 0 && low >= 0) return std::string_view(bytes_ + 16 * high + low, 1);
    }
    std::string_view text = piece;
    if (previous == begin && !text.empty() && text.front() == ' ') text.remove_prefix(1);
    return text;
  }

 private:
  static constexpr int digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
  }

  /// Merges pairs in order of score in a linked list, with a queue of candidates; stale ones are passed over.
  void merge(std::vector<token_t>& tokens) const {
    struct candidate {
      float score;
      extent_t left;
      token_t left_token, right_token, merged;
      bool operator<(const candidate& other) const noexcept {
        return score < other.score || (score == other.score && left > other.left);
      }
    };
    const extent_t count = tokens.size(), none = static_cast<extent_t>(-1);
    std::vector<extent_t> next(count), before(count);
    for (extent_t i = 0; i < count; ++i) next[i] = i + 1 < count ? i + 1 : none, before[i] = i > 0 ? i - 1 : none;
    std::vector<bool> gone(count, false);
    std::priority_queue<candidate> queue;
    const auto consider = [&](extent_t left) {
      if (left == none || next[left] == none) return;
      const token_t a = tokens[left], b = tokens[next[left]];
      const auto found = numbers_.find(pieces_[a] + pieces_[b]);
      if (found != numbers_.end()) queue.push({scores_[found->second], left, a, b, found->second});
    };
    for (extent_t i = 0; i < count; ++i) consider(i);
    while (!queue.empty()) {
      const candidate best = queue.top();
      queue.pop();
      const extent_t left = best.left, right = gone[left] ? none : next[left];
      if (right == none || tokens[left] != best.left_token || tokens[right] != best.right_token) continue;
      tokens[left] = best.merged;
      gone[right] = true;
      next[left] = next[right];
      if (next[left] != none) before[next[left]] = left;
      consider(before[left]);
      consider(left);
    }
    extent_t kept = 0;
    for (extent_t i = 0; i < count; ++i)
      if (!gone[i]) tokens[kept++] = tokens[i];
    tokens.resize(kept);
  }

  std::vector<std::string> pieces_;
  std::vector<float> scores_;
  std::unordered_map<std::string, token_t> numbers_;
  char bytes_[256]{};
};

LACUNA_END
