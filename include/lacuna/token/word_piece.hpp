#pragma once
/// The tokenizer of BERT: words cut into the longest pieces that a vocabulary holds.

#include <lacuna/token/bert_words.hpp>
#include <lacuna/token/token.hpp>

LACUNA_BEGIN

/// WordPiece over a vocabulary of one piece a line; a piece that continues a word begins with `##`.
///
/// Encoding: `[CLS]`, the pieces of each word of `bert_words`, `[SEP]`. From its beginning on, a word is cut into the
/// longest pieces there are; one that cannot be cut to its end, or has more than 100 code points, is `[UNK]` as a
/// whole. `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` written in the text are those tokens, where the vocabulary
/// has them: put a space inside the brackets of a text that must not say them. Nothing is cut off and nothing is
/// padded: a text that is longer than a model's context is its caller's matter.
///
/// A trie is walked, so that no byte is looked at more often than the longest piece is long.
/// Sources: Schuster and Nakajima (2012), Japanese and Korean Voice Search; Wu et al. (2016), arXiv 1609.08144; Devlin
/// et al. (2018), arXiv 1810.04805, whose released code this follows. Song et al. (2020), arXiv 2012.15524, look at
/// each byte once; words are too short for that to pay.
template <UnicodeProperties Unicode>
class word_piece {
 public:
  /// A longer word is `[UNK]`, in code points.
  static constexpr extent_t longest_word = 100;

  word_piece() = default;
  /// From the text of a vocabulary in UTF-8: token i is line i, from 0; lines may end as on Windows. Errors, which name
  /// the line: not UTF-8, a byte order mark, an empty line, a piece twice; without lines, without `[UNK]`, `[CLS]` or
  /// `[SEP]`, 16 MiB or more.
  static outcome<word_piece> try_make(std::string_view vocabulary, Unicode unicode = {}) {
    const auto wrong = [] { return error(error_kind::token, "lacuna::word_piece: vocabulary: "); };
    if (vocabulary.empty()) return wrong() << "expected a piece on each line, found an empty text";
    if (vocabulary.size() >= largest_vocabulary)
      return wrong() << "expected less than 16 MiB, found " << static_cast<std::uint64_t>(vocabulary.size())
                     << " bytes (is it a vocabulary?)";
    if (vocabulary.substr(0, 3) == "\xEF\xBB\xBF")
      return wrong() << "expected a piece first, found a byte order mark (save the file without one)";
    for (extent_t at = 0; at < vocabulary.size();) {
      const extent_t bytes = code_point_bytes(vocabulary.substr(at));
      if (bytes == 0) return not_utf8("lacuna::word_piece: vocabulary", vocabulary, at);
      at += bytes;
    }
    word_piece made;
    made.unicode_ = unicode;
    made.reserve_edges(1024);
    made.ends_.push_back(none);
    for (extent_t at = 0; at < vocabulary.size();) {
      std::string_view piece = vocabulary.substr(at, vocabulary.substr(at).find('\n'));
      at += piece.size() + 1;
      if (!piece.empty() && piece.back() == '\r') piece.remove_suffix(1);
      const auto line = [&] {
        return wrong() << "line " << static_cast<std::uint64_t>(made.places_.size() + 1) << ": ";
      };
      if (piece.empty()) return line() << "expected a piece, found an empty line (leave it out, or is the file whole?)";
      const node_t node = made.add_path(piece);
      if (made.ends_[node] != none)
        return line() << "expected each piece once, found '" << text_buffer<40>().append(piece.data(), piece.size())
                      << "' also on line " << made.ends_[node] + 1u << " (is the file whole?)";
      made.ends_[node] = static_cast<token_t>(made.places_.size());
      // A space in front: a view of a piece that begins a word can take it in.
      made.text_ += ' ';
      made.places_.push_back({made.text_.size(), piece.size()});
      made.text_ += piece;
    }
    for (extent_t i = 0; i < std::size(special_names); ++i) {
      made.specials_[i] = made.find(special_names[i]);
      if (made.specials_[i] == none && i < needed_specials)
        return wrong() << "expected a line " << special_names[i].data() << ", found none among "
                       << static_cast<std::uint64_t>(made.size()) << " (is it the vocabulary of a BERT?)";
    }
    made.continuation_ = made.child(made.child(0, '#'), '#');
    return made;
  }

  extent_t size() const noexcept { return places_.size(); }
  /// `[CLS]`, which begins a text.
  std::optional<token_t> begin_token() const noexcept { return specials_[1]; }
  /// `[SEP]`, which ends it.
  token_t end_token() const noexcept { return specials_[2]; }
  token_t unknown_token() const noexcept { return specials_[0]; }
  /// A number that pieces in their order have and others almost surely have not: FNV-1a of 64 bits over the bytes of
  /// each piece and a line feed, whatever the lines of the file ended with. For mistakes; it resists nobody who wants
  /// two vocabularies to have the same one. O(bytes of all pieces).
  std::uint64_t digest() const noexcept {
    std::uint64_t sum = 0xcbf29ce484222325u;
    const auto take = [&](char byte) { sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001b3u; };
    for (const place& of : places_) {
      for (const char byte : std::string_view(text_).substr(of.at, of.bytes)) take(byte);
      take('\n');
    }
    return sum;
  }

  /// `[CLS]`, the pieces of the text, `[SEP]`. Error: text that is not UTF-8.
  outcome<std::vector<token_t>> try_encode(std::string_view text) const {
    std::vector<token_t> tokens;
    tokens.reserve(text.size() / 3 + 2);
    tokens.push_back(specials_[1]);
    bert_words<Unicode> words(unicode_);
    const auto take = [&](std::string_view word, extent_t letters) { append_pieces(word, letters, tokens); };
    for (extent_t at = 0; at < text.size();) {
      extent_t end = text.find('[', at);
      extent_t which = std::size(special_names);
      for (; end < text.size(); end = text.find('[', end + 1)) {
        which = special_at(text.substr(end));
        if (which != std::size(special_names)) break;
      }
      if (end > text.size()) end = text.size();
      if (const auto cut = words.try_cut(text, at, end, take); !cut.ok()) return cut.why();
      if (end == text.size()) break;
      tokens.push_back(specials_[which]);
      at = end + special_names[which].size();
    }
    tokens.push_back(specials_[2]);
    return tokens;
  }

  /// The piece, without `##`; one that begins a word begins with a space, but for the first behind `[CLS]` or behind
  /// nothing (a token out of range). What encoding left out does not come back: upper case, accents, spaces.
  /// Error: a token out of range.
  outcome<std::string_view> try_decode(token_t previous, token_t token) const {
    if (token >= size())
      return error(error_kind::token, "lacuna::word_piece: expected a token below ")
             << static_cast<std::uint64_t>(size()) << ", found " << static_cast<std::uint64_t>(token)
             << " (the model has another vocabulary)";
    const place of = places_[token];
    const auto text = std::string_view(text_);
    if (of.bytes > 2 && text.substr(of.at, 2) == "##") return text.substr(of.at + 2, of.bytes - 2);
    const bool first = previous >= size() || previous == specials_[1];
    return first ? text.substr(of.at, of.bytes) : text.substr(of.at - 1, of.bytes + 1);
  }

 private:
  using node_t = std::uint32_t;
  struct place {
    extent_t at, bytes;
  };
  /// One edge of the trie, in a table with open addresses. Node 0 is the root and nobody's child, so that a child 0 is
  /// a free place. Nodes have 24 bits: there are fewer than bytes of vocabulary.
  struct edge {
    std::uint32_t parent_and_byte = 0;
    node_t child = 0;
  };

  static constexpr token_t none = 0xffffffffu;
  static constexpr extent_t largest_vocabulary = extent_t{1} << 24;
  static constexpr std::string_view special_names[]{"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
  static constexpr extent_t needed_specials = 3;

  /// Which special token `text` begins with, if the vocabulary has it.
  extent_t special_at(std::string_view text) const {
    extent_t which = 0;
    while (which < std::size(special_names) &&
           (specials_[which] == none || text.substr(0, special_names[which].size()) != special_names[which]))
      ++which;
    return which;
  }

  void append_pieces(std::string_view word, extent_t letters, std::vector<token_t>& tokens) const {
    const extent_t before = tokens.size();
    for (extent_t at = 0; at < word.size();) {
      node_t node = at == 0 ? 0 : continuation_;
      token_t longest = none;
      extent_t longest_end = at;
      if (letters <= longest_word && (at == 0 || node != 0))
        for (extent_t i = at; i < word.size(); ++i) {
          node = child(node, word[i]);
          if (node == 0) break;
          if (ends_[node] != none) longest = ends_[node], longest_end = i + 1;
        }
      if (longest == none) {
        tokens.resize(before);
        tokens.push_back(specials_[0]);
        return;
      }
      tokens.push_back(longest);
      at = longest_end;
    }
  }

  extent_t slot(std::uint32_t key) const noexcept {
    // Fibonacci hashing: the upper bits of a product by 2^64 / golden ratio.
    extent_t at = static_cast<extent_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
    while (edges_[at].child != 0 && edges_[at].parent_and_byte != key) at = (at + 1) & (edges_.size() - 1);
    return at;
  }
  static constexpr std::uint32_t key_of(node_t parent, char byte) {
    return parent << 8 | static_cast<unsigned char>(byte);
  }
  node_t child(node_t parent, char byte) const noexcept { return edges_[slot(key_of(parent, byte))].child; }

  void reserve_edges(extent_t count) {
    const std::vector<edge> old = std::move(edges_);
    edges_.assign(count, {});
    shift_ = 64;
    for (extent_t places = count; places > 1; places /= 2) --shift_;
    for (const edge& of : old)
      if (of.child != 0) edges_[slot(of.parent_and_byte)] = of;
  }
  node_t add_path(std::string_view piece) {
    node_t node = 0;
    for (const char byte : piece) {
      const std::uint32_t key = key_of(node, byte);
      edge& of = edges_[slot(key)];
      if (of.child != 0) {
        node = of.child;
        continue;
      }
      node = static_cast<node_t>(ends_.size());
      of = {key, node};
      ends_.push_back(none);
      if (2 * ends_.size() > edges_.size()) reserve_edges(2 * edges_.size());
    }
    return node;
  }
  token_t find(std::string_view piece) const {
    node_t node = 0;
    for (const char byte : piece)
      if ((node = child(node, byte)) == 0) return none;
    return ends_[node];
  }

  Unicode unicode_{};
  std::string text_;
  std::vector<place> places_;
  std::vector<edge> edges_ = std::vector<edge>(2);
  std::vector<token_t> ends_;  // per node: the piece that ends there
  unsigned shift_ = 63;
  node_t continuation_ = 0;
  token_t specials_[std::size(special_names)]{none, none, none, none, none};
};

LACUNA_END
