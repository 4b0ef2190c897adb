#pragma once
/// The safetensors format: eight bytes of header length, a JSON header, the tensors' bytes without holes.
///
/// Reading is strict: what the format's specification forbids is refused by name, with the byte where that helps.

#include <algorithm>
#include <lacuna/io/directory.hpp>
#include <nlohmann/json.hpp>
#include <unordered_set>

LACUNA_BEGIN

namespace detail {

/// The longest header that is read, as in the format's reference implementation.
inline constexpr std::uint64_t safetensors_header_limit = 100'000'000;

struct safetensors_type {
  const char* name;
  stored_type type;
  extent_t bits;
};
/// Every type of the format. Types that lacuna does not load are known by size, so that a file that holds one is told
/// apart from a damaged one.
inline constexpr safetensors_type safetensors_types[]{
    {"F64", stored_type::f64, 64},          {"F32", stored_type::f32, 32},      {"F16", stored_type::f16, 16},
    {"BF16", stored_type::bf16, 16},        {"I64", stored_type::other, 64},    {"U64", stored_type::other, 64},
    {"I32", stored_type::other, 32},        {"U32", stored_type::u32, 32},      {"I16", stored_type::other, 16},
    {"U16", stored_type::u16, 16},          {"I8", stored_type::i8, 8},         {"U8", stored_type::u8, 8},
    {"BOOL", stored_type::other, 8},        {"C64", stored_type::other, 64},    {"F8_E5M2", stored_type::other, 8},
    {"F8_E4M3", stored_type::other, 8},     {"F8_E8M0", stored_type::other, 8}, {"F8_E4M3FNUZ", stored_type::other, 8},
    {"F8_E5M2FNUZ", stored_type::other, 8}, {"F6_E2M3", stored_type::other, 6}, {"F6_E3M2", stored_type::other, 6},
    {"F4", stored_type::other, 4}};

/// Reads the header as events: nothing is built that the format does not have, so depth and memory are bounded.
class safetensors_header {
 public:
  explicit safetensors_header(directory& to) : to_(to) {}

  /// What was wrong, if anything was; names the tensor where one was open.
  const text_buffer<220>& wrong() const noexcept { return wrong_; }

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_integer(std::int64_t) { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) { return unexpected("a fraction or a number of 2^64 or more"); }
  bool binary(std::vector<std::uint8_t>&) { return unexpected("binary data"); }
  bool number_unsigned(std::uint64_t number) {
    if (depth_ != 3 || in_metadata_) return unexpected("a number");
    auto& list = field_ == field::shape ? open_.shape : offsets_;
    if (field_ == field::offsets && offsets_.size() == 2) return refuse("data_offsets: expected 2 numbers, found more");
    if (field_ == field::shape && open_.shape.size() == 64)
      return refuse("shape: expected at most 64 extents, found more");
    list.push_back(number);
    return true;
  }
  bool string(std::string& text) {
    if (depth_ != 2) return unexpected("a text");
    if (in_metadata_) {
      to_.metadata.emplace_back(key_, text);
      return true;
    }
    if (field_ != field::type) return unexpected("a text");
    open_.type_name = text;
    return true;
  }
  bool start_object(std::size_t) {
    if (depth_ >= 2) return unexpected("an object");
    ++depth_;
    if (depth_ == 2) seen_fields_ = 0;
    return true;
  }
  bool end_object() {
    --depth_;
    if (depth_ != 1) return true;
    if (!in_metadata_) {
      if (seen_fields_ != 7) return refuse("expected dtype, shape and data_offsets, found fewer");
      if (offsets_.size() != 2) return refuse("data_offsets: expected 2 numbers, found fewer");
      open_.begin = offsets_[0], open_.end = offsets_[1];
      to_.entries.push_back(open_);
    }
    open_ = {};
    return true;
  }
  bool start_array(std::size_t) {
    if (depth_ != 2 || in_metadata_ || field_ == field::type) return unexpected("a list");
    ++depth_;
    return true;
  }
  bool end_array() {
    --depth_;
    return true;
  }
  bool key(std::string& text) {
    key_ = text;
    if (depth_ == 1) {
      in_metadata_ = text == "__metadata__";
      open_ = {}, offsets_.clear();
      open_.name = text;
      return names_.insert(text).second || refuse("expected each name once, found it twice");
    }
    if (in_metadata_)
      return metadata_names_.insert(text).second || refuse("expected each metadata key once, found one twice");
    const unsigned bit = text == "dtype" ? 1u : text == "shape" ? 2u : text == "data_offsets" ? 4u : 0u;
    if (bit == 0) return refuse("expected dtype, shape and data_offsets only, found another key");
    if ((seen_fields_ & bit) != 0)
      return refuse("expected each of dtype, shape and data_offsets once, found one twice");
    seen_fields_ |= bit;
    field_ = bit == 1u ? field::type : bit == 2u ? field::shape : field::offsets;
    return true;
  }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception&) {
    wrong_ << "header byte " << static_cast<std::uint64_t>(position)
           << ": expected JSON in UTF-8, found something else";
    return false;
  }

 private:
  enum class field { type, shape, offsets };

  bool refuse(const char* sentence) {
    wrong_ << "tensor '";
    wrong_.append(open_.name.c_str(), open_.name.size() < 80 ? open_.name.size() : 80) << "': " << sentence;
    return false;
  }
  bool unexpected(const char* what) {
    if (depth_ == 0) {
      wrong_ << "header: expected an object, found " << what;
      return false;
    }
    refuse("expected ");
    wrong_ << (depth_ == 1             ? "an object"
               : in_metadata_          ? "a text"
               : field_ == field::type ? "a text"
                                       : "whole numbers")
           << ", found " << what;
    return false;
  }

  directory& to_;
  text_buffer<220> wrong_;
  unsigned depth_ = 0, seen_fields_ = 0;
  bool in_metadata_ = false;
  field field_ = field::type;
  std::string key_;
  tensor_entry open_;
  std::vector<std::uint64_t> offsets_;
  std::unordered_set<std::string> names_, metadata_names_;
};

/// Bytes of a tensor by its shape, or nothing where the product is not representable or not whole bytes.
inline std::optional<std::uint64_t> bytes_of_shape(const std::vector<std::uint64_t>& shape, std::uint64_t bits) {
  std::uint64_t total = bits;
  bool empty = false;
  for (const std::uint64_t extent : shape) {
    if (extent == 0)
      empty = true;
    else if (total > ~std::uint64_t{0} / extent)
      return std::nullopt;
    else
      total *= extent;
  }
  if (empty) return 0;
  if (total % 8 != 0) return std::nullopt;
  return total / 8;
}

}  // namespace detail

/// Parses a safetensors file that is in memory. Errors: everything that its specification forbids.
inline outcome<directory> try_parse_safetensors(const std::string& path, file_bytes bytes) {
  const auto wrong = [&] { return detail::file_error(error_kind::file, "lacuna::load", path); };
  if (bytes.size() < 8)
    return wrong() << "expected a safetensors file of at least 8 bytes, found "
                   << static_cast<std::uint64_t>(bytes.size());
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[static_cast<std::size_t>(i)];
  if (length > detail::safetensors_header_limit)
    return wrong() << "expected a header of at most " << detail::safetensors_header_limit << " bytes, found " << length
                   << " (is it a safetensors file?)";
  if (length > bytes.size() - 8)
    return wrong() << "expected a header of " << length << " bytes, found "
                   << static_cast<std::uint64_t>(bytes.size() - 8) << " (is the file whole?)";
  if (length == 0 || bytes[8] != '{')
    return wrong() << "byte 8: expected '{', the beginning of the header, found "
                   << (length == 0 ? "no header" : "another byte") << " (is it a safetensors file?)";
  directory made;
  made.path = path;
  detail::safetensors_header header(made);
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + 8;
  // The JSON parser takes a zero byte for the end of its text: whatever follows would be passed over.
  if (const void* zero = std::memchr(text, 0, length))
    return wrong() << "header byte " << static_cast<std::uint64_t>(static_cast<const char*>(zero) - text) + 1
                   << ": expected JSON in UTF-8, found a zero byte";
  if (!nlohmann::json::sax_parse(text, text + length, &header)) return wrong() << header.wrong();

  // In order of offsets: each tensor begins where the last one ended, and the last one ends the file.
  std::sort(made.entries.begin(), made.entries.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin || (a.begin == b.begin && a.end < b.end); });
  const std::uint64_t data = 8 + length, available = bytes.size() - data;
  std::uint64_t at = 0;
  for (auto& entry : made.entries) {
    const auto of = [&] {
      error named = wrong();
      named << "tensor '";
      named.message.append(entry.name.c_str(), entry.name.size() < 80 ? entry.name.size() : 80);
      return named << "': ";
    };
    const auto* type = std::find_if(std::begin(detail::safetensors_types), std::end(detail::safetensors_types),
                                    [&](const auto& known) { return entry.type_name == known.name; });
    if (type == std::end(detail::safetensors_types)) {
      error named = of();
      named << "expected a dtype of the format, found '";
      named.message.append(entry.type_name.c_str(), entry.type_name.size() < 20 ? entry.type_name.size() : 20);
      return named << "'";
    }
    entry.type = type->type;
    if (entry.begin > entry.end)
      return of() << "expected data_offsets in order, found " << entry.begin << " and " << entry.end;
    if (entry.begin != at)
      return of() << "expected its data at offset " << at << ", found " << entry.begin
                  << (entry.begin < at ? " (tensors overlap)" : " (bytes belong to no tensor)");
    if (entry.end > available)
      return of() << "expected its data to end within " << available << " bytes, found " << entry.end
                  << " (is the file whole?)";
    const auto size = detail::bytes_of_shape(entry.shape, type->bits);
    if (!size || *size != entry.end - entry.begin) {
      error named = of();
      named << "shape ";
      detail::append_shape(named, entry.shape.data(), entry.shape.size());
      return named << " of " << type->name << ": expected " << (size ? *size : ~std::uint64_t{0}) << " bytes, found "
                   << entry.end - entry.begin << (size ? "" : " (the shape overflows, or is not whole bytes)");
    }
    at = entry.end;
    entry.begin += data, entry.end += data;
  }
  if (at != available)
    return wrong() << "expected " << data + at << " bytes, found " << static_cast<std::uint64_t>(bytes.size())
                   << " (bytes behind the last tensor)";
  made.bytes = std::move(bytes);
  return made;
}

/// Reads a safetensors file.
inline outcome<directory> try_read_safetensors(const std::string& path) {
  auto read = try_read_file(path);
  if (!read.ok()) return read.why();
  return try_parse_safetensors(path, std::move(*read));
}

/// Writes a struct of parameters, tensor by tensor in walk order, in its own element type, with metadata.
/// Reading it back gives the same bits. Errors: two tensors of one name, of which nothing is written; those of
/// `try_write_file`.
template <class Parameters>
status try_write_safetensors(const std::string& path, const Parameters& parameters,
                             const std::vector<std::pair<std::string, std::string>>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  std::uint64_t offset = 0;
  path_text repeated;
  visit_named(
      [&]<class Leaf>(const char* name, const Leaf&) {
        using element = typename Leaf::element;
        if (header.contains(name)) repeated = path_text(name);
        nlohmann::ordered_json shape = nlohmann::ordered_json::array();
        for (extent_t i = 0; i < Leaf::rank; ++i) shape.push_back(static_cast<std::uint64_t>(Leaf::extents[i]));
        const std::uint64_t end = offset + Leaf::size * sizeof(element);
        header[name] = {
            {"dtype", detail::safetensors_name<element>}, {"shape", shape}, {"data_offsets", {offset, end}}};
        offset = end;
      },
      parameters);
  if (repeated.size() != 0)
    return detail::file_error(error_kind::file, "lacuna::save", path)
           << "tensor '" << repeated << "': expected each name once, found it twice (visit it under another name)";
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  file_bytes bytes;
  bytes.reserve(8 + text.size() + static_cast<std::size_t>(offset));
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<unsigned char>(std::uint64_t{text.size()} >> (8 * i)));
  bytes.insert(bytes.end(), text.begin(), text.end());
  visit_tensors(
      [&]<class Leaf>(const Leaf& of) {
        const auto* from = reinterpret_cast<const unsigned char*>(of.data);
        bytes.insert(bytes.end(), from, from + Leaf::size * sizeof(of.data[0]));
      },
      parameters);
  return try_write_file(path, bytes);
}

LACUNA_END
