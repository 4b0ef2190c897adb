#pragma once
/// Tables of numbers in text files: comma-separated values with a line of names.

#include <charconv>
#include <lacuna/core/maths.hpp>
#include <lacuna/io/file.hpp>
#include <lacuna/tensor/rows.hpp>
#include <string_view>

LACUNA_BEGIN

/// Which columns are read: those named in `columns`, in this order, or all but those named in `left_out`, as the file
/// has them. Columns that are not read may hold anything.
struct csv_choices {
  std::vector<std::string> columns{};
  std::vector<std::string> left_out{};
  char separator = ',';
};

/// A table, `(rows, columns)` values, row-major.
struct csv_table {
  std::vector<std::string> columns{};
  std::vector<double> values{};

  extent_t rows() const noexcept { return columns.empty() ? 0 : values.size() / columns.size(); }
  /// The values as a view of rows. Error: another number of columns.
  template <extent_t Columns>
  outcome<lacuna::rows<const double, Columns>> try_view() const {
    if (columns.size() != Columns)
      return error(error_kind::shape, "lacuna::csv_table: expected ")
             << static_cast<std::uint64_t>(Columns) << " columns, found " << static_cast<std::uint64_t>(columns.size())
             << " (name the columns to read)";
    return lacuna::rows<const double, Columns>(values.data(), rows());
  }
};

namespace detail {

/// Reads a table; knows where it is.
class csv_reader {
 public:
  csv_reader(const std::string& path, std::string_view text, const csv_choices& choices)
      : path_(path), text_(text), choices_(choices) {}

  outcome<csv_table> read() {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);  // a byte order mark says UTF-8, and no more
    while (!text_.empty() && (text_.back() == '\n' || text_.back() == '\r')) text_.remove_suffix(1);
    if (text_.empty()) return wrong() << "expected a line of names and lines of numbers, found an empty file";
    csv_table table;
    if (error why = read_header(table)) return why;
    // Asked for once; what is missing then is a value.
    const extent_t lines = count_lines();
#if LACUNA_EXCEPTIONS
    try {
      table.values.reserve(lines * table.columns.size());
    } catch (const std::exception&) {
      return file_error(error_kind::memory, "lacuna::csv", path_)
             << "expected memory for " << static_cast<std::uint64_t>(lines) << " lines, found too little";
    }
#else
    table.values.reserve(lines * table.columns.size());
#endif
    table.values.resize(lines * table.columns.size());
    if (lines == 0) return wrong() << "expected lines of numbers behind the names, found none (is the file whole?)";
    for (extent_t row = 0; at_ < text_.size(); ++row)
      if (error why = read_row(table, row)) return why;
    return table;
  }

 private:
  static constexpr extent_t not_read = ~extent_t{0};

  error wrong(error_kind kind = error_kind::file) const { return file_error(kind, "lacuna::csv", path_); }
  error wrong_at(error_kind kind, extent_t column, std::string_view name) const {
    error why = wrong(kind) << "line " << static_cast<std::uint64_t>(line_) << ", column "
                            << static_cast<std::uint64_t>(column + 1);
    if (!name.empty()) quote(why << " ", name);
    return why << ": ";
  }
  static error& quote(error& to, std::string_view text) {
    constexpr extent_t most = 40;
    to << '\'';
    to.message.append(text.data(), text.size() < most ? text.size() : most);
    return to << (text.size() > most ? "...'" : "'");
  }
  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
  }
  static std::from_chars_result parse(std::string_view field, double& value) {
    return std::from_chars(field.data(), field.data() + field.size(), value);
  }
  static bool is_number(std::string_view field) {
    double value = 0;
    const auto parsed = parse(field, value);
    return !field.empty() && parsed.ec != std::errc::invalid_argument && parsed.ptr == field.data() + field.size();
  }

  /// Lines from here on.
  extent_t count_lines() const {
    extent_t lines = at_ < text_.size() ? 1 : 0;
    for (extent_t i = at_; i < text_.size(); ++i) lines += text_[i] == '\n' ? 1 : 0;
    return lines;
  }
  /// The next line, without its end.
  std::string_view next_line() {
    ++line_;
    const extent_t end = text_.find('\n', at_);
    std::string_view line = text_.substr(at_, end == text_.npos ? end : end - at_);
    at_ = end == text_.npos ? text_.size() : end + 1;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }
  /// The first place from `at` on that holds no blank; a separator is none.
  extent_t behind_blanks(std::string_view line, extent_t at) const {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t') && line[at] != choices_.separator) ++at;
    return at;
  }
  /// Calls `take(field, column)` for every field of a line, until it returns an error. A field in quotes is what is
  /// between them, where two quotes are one; one does not go on across lines.
  template <class Take>
  error cut(std::string_view line, extent_t& fields, Take&& take) const {
    fields = 0;
    for (extent_t at = 0;;) {
      std::string_view field;
      std::string unquoted;
      if (const extent_t quote = behind_blanks(line, at); quote < line.size() && line[quote] == '"') {
        extent_t begin = quote + 1, end = line.find('"', begin);
        for (; end != line.npos && end + 1 < line.size() && line[end + 1] == '"'; end = line.find('"', begin)) {
          unquoted.append(line.substr(begin, end + 1 - begin));
          begin = end + 2;
        }
        const extent_t behind = end == line.npos ? end : behind_blanks(line, end + 1);
        if (end == line.npos || (behind < line.size() && line[behind] != choices_.separator))
          return wrong_at(error_kind::file, fields, {})
                 << "expected a quote that ends the field, found none (write quotes around whole fields)";
        field = line.substr(begin, end - begin);
        if (!unquoted.empty()) field = unquoted.append(field);
        at = behind;
      } else {
        const extent_t end = line.find(choices_.separator, at);
        field = line.substr(at, end == line.npos ? end : end - at);
        at = end == line.npos ? line.size() : end;
      }
      if (error why = take(trimmed(field), fields)) return why;
      ++fields;
      if (at >= line.size()) return {};
      ++at;
    }
  }

  error read_header(csv_table& table) {
    bool names_are_numbers = true;  // single columns may be called 0, 1, ...
    error why = cut(next_line(), width_, [&](std::string_view name, extent_t column) -> error {
      names_are_numbers = names_are_numbers && is_number(name);
      for (const auto& other : names_)
        if (other == name)
          return quote(wrong_at(error_kind::file, column, {}) << "expected each name once, found ", name)
                 << " twice (rename one)";
      names_.emplace_back(name);
      return {};
    });
    if (why) return why;
    if (names_are_numbers)
      return quote(wrong_at(error_kind::file, 0, {}) << "expected a name, found the number ", names_.front())
             << " (put the names of the columns into the first line)";
    targets_.assign(width_, not_read);
    for (const auto& name : choices_.left_out)
      if (find(name) == width_) return missing(name);
    if (choices_.columns.empty()) {
      for (extent_t column = 0; column < width_; ++column)
        if (!is_left_out(names_[column])) {
          targets_[column] = table.columns.size();
          table.columns.push_back(names_[column]);
        }
    } else {
      for (const auto& name : choices_.columns) {
        const extent_t column = find(name);
        if (column == width_) return missing(name);
        if (targets_[column] != not_read)
          return quote(wrong(error_kind::shape) << "expected each column once, asked for ", name) << " twice";
        targets_[column] = table.columns.size();
        table.columns.push_back(name);
      }
    }
    if (table.columns.empty())
      return wrong(error_kind::shape) << "expected columns to read, found all of them left out (leave out fewer)";
    return {};
  }
  extent_t find(const std::string& name) const {
    extent_t column = 0;
    while (column < width_ && names_[column] != name) ++column;
    return column;
  }
  bool is_left_out(const std::string& name) const {
    for (const auto& each : choices_.left_out)
      if (each == name) return true;
    return false;
  }
  error missing(const std::string& name) const {
    error why = quote(wrong(error_kind::shape) << "expected a column ", name) << ", found none among ";
    for (extent_t i = 0; i < width_ && i < 8; ++i) quote(why << (i == 0 ? "" : ", "), names_[i]);
    return why << (width_ > 8 ? ", ..." : "") << " (is it the right file, and the right separator?)";
  }

  error read_row(csv_table& table, extent_t row) {
    const std::string_view line = next_line();
    if (line.empty() && width_ > 1)
      return wrong() << "line " << static_cast<std::uint64_t>(line_) << ": expected "
                     << static_cast<std::uint64_t>(width_) << " fields, found an empty line (leave it out)";
    extent_t fields = 0;
    error why = cut(line, fields, [&](std::string_view field, extent_t column) -> error {
      if (column >= width_ || targets_[column] == not_read) return {};
      double value = 0;
      const auto parsed = parse(field, value);
      const auto here = [&](error_kind kind) { return wrong_at(kind, column, names_[column]); };
      if (field.empty()) return here(error_kind::value) << "expected a number, found nothing (fill in what is missing)";
      if (!is_number(field))
        return quote(here(error_kind::value) << "expected a number, found ", field)
               << " (name the columns to read, or those to leave out)";
      if (parsed.ec != std::errc{})
        return quote(here(error_kind::value) << "expected a number that f64 holds, found ", field);
      if (!maths::is_finite(value))
        return quote(here(error_kind::value) << "expected a finite number, found ", field)
               << " (fill in what is missing)";
      table.values[row * table.columns.size() + targets_[column]] = value;
      return {};
    });
    if (why) return why;
    if (fields != width_)
      return wrong() << "line " << static_cast<std::uint64_t>(line_) << ": expected "
                     << static_cast<std::uint64_t>(width_) << " fields, as the first line has, found "
                     << static_cast<std::uint64_t>(fields) << " (is the file whole?)";
    return {};
  }

  const std::string& path_;
  std::string_view text_;
  const csv_choices& choices_;
  extent_t at_ = 0, line_ = 0, width_ = 0;
  std::vector<std::string> names_;
  std::vector<extent_t> targets_;  // per column of the file: the column of the table
};

}  // namespace detail

/// A table from the text of a file; `path` is for messages. Numbers are read as C++ writes them, whatever the locale;
/// spaces around fields, a byte order mark, line ends of Windows and empty lines at the end are no matter; a field may
/// stand in quotes, in which two quotes are one. Errors, which name line and column, what was expected and what was
/// found: an empty file, no line of names (a name that is a number), a name twice, a column that is missing, a line
/// with more or fewer fields, a field that is no number, is not finite or does not fit f64, no lines behind the first.
inline outcome<csv_table> try_parse_csv(const std::string& path, std::string_view text,
                                        const csv_choices& choices = {}) {
  return detail::csv_reader(path, text, choices).read();
}
/// A table from a file: `try_read_csv("ETTh1.csv", {.left_out = {"date"}})`.
inline outcome<csv_table> try_read_csv(const std::string& path, const csv_choices& choices = {}) {
  const auto read = try_read_file(path);
  if (!read.ok()) return read.why();
  return try_parse_csv(path, {reinterpret_cast<const char*>(read->data()), read->size()}, choices);
}

LACUNA_END
