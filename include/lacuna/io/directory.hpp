#pragma once
/// A checkpoint in neutral form: named tensors over bytes, whatever file they came from; and the checked way from there
/// into parameters.

#include <cstdlib>
#include <cstring>
#include <lacuna/core/box.hpp>
#include <lacuna/core/maths.hpp>
#include <lacuna/io/file.hpp>
#include <lacuna/tensor/structs.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

LACUNA_BEGIN

/// Element types as files store them.
enum class stored_type : std::uint8_t { f64, f32, f16, bf16, u32, u16, u8, i8, other };

/// Bytes of one element; 0 where the library reads none of that type.
constexpr extent_t stored_bytes(stored_type type) {
  switch (type) {
    case stored_type::f64:
      return 8;
    case stored_type::f32:
    case stored_type::u32:
      return 4;
    case stored_type::f16:
    case stored_type::bf16:
    case stored_type::u16:
      return 2;
    case stored_type::u8:
    case stored_type::i8:
      return 1;
    default:
      return 0;
  }
}

/// One tensor of a file: where its elements lie, row-major, little-endian.
struct tensor_entry {
  std::string name;
  stored_type type = stored_type::other;
  std::string type_name;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

/// A whole checkpoint. The readers have checked that every entry lies inside `bytes` and holds what its shape says.
struct directory {
  std::string path;
  file_bytes bytes;
  std::vector<tensor_entry> entries;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// A metadata value, where there is one.
inline std::optional<std::string> find_metadata(const directory& of, std::string_view name) {
  for (const auto& [key, value] : of.metadata)
    if (key == name) return value;
  return std::nullopt;
}

/// A size that a recipe and a file can be compared by: `{"heads", 8}`.
struct attribute {
  const char* name = nullptr;
  extent_t value = 0;
};

namespace detail {

/// Whether a stored type is one of floating-point numbers.
constexpr bool is_floating(stored_type type) noexcept { return type <= stored_type::bf16; }
/// The stored type of integers that lie beside weights.
template <class Integer>
inline constexpr stored_type stored_type_of = same<Integer, std::uint32_t>   ? stored_type::u32
                                              : same<Integer, std::uint16_t> ? stored_type::u16
                                              : same<Integer, std::uint8_t>  ? stored_type::u8
                                              : same<Integer, std::int8_t>   ? stored_type::i8
                                                                             : stored_type::other;

/// Element `i` of a tensor of floating-point numbers, by memcpy: files align nothing.
inline double stored_element(const unsigned char* bytes, stored_type type, std::uint64_t i) {
  const auto read = [&]<class Type>(Type value) {
    std::memcpy(&value, bytes + i * sizeof(Type), sizeof(Type));
    return value;
  };
  switch (type) {
    case stored_type::f64:
      return read(double{});
    case stored_type::f32:
      return static_cast<double>(read(float{}));
    case stored_type::f16:
      return static_cast<double>(widen(read(float16{})));
    default:
      return static_cast<double>(widen(read(bfloat16{})));
  }
}

inline void append_shape(error& to, const std::uint64_t* extents, extent_t rank) {
  to << '(';
  for (extent_t i = 0; i < rank && i < 8; ++i) to << (i == 0 ? "" : ", ") << extents[i];
  to << (rank > 8 ? ", ...)" : ")");
}

/// Letters two names share at their ends and beginnings: enough to suggest the name that was meant.
inline extent_t likeness(std::string_view a, std::string_view b) {
  extent_t front = 0, back = 0;
  while (front < a.size() && front < b.size() && a[front] == b[front]) ++front;
  while (back + front < a.size() && back + front < b.size() && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return front + back;
}

/// The format's name of the type of a parameter.
template <class Element>
inline constexpr const char* safetensors_name = same<Element, double>          ? "F64"
                                                : same<Element, float>         ? "F32"
                                                : same<Element, float16>       ? "F16"
                                                : same<Element, bfloat16>      ? "BF16"
                                                : same<Element, std::uint32_t> ? "U32"
                                                : same<Element, std::uint16_t> ? "U16"
                                                : same<Element, std::uint8_t>  ? "U8"
                                                                               : "I8";

/// Element `i` of a tensor as a parameter of type `Element`; integers are stored as they are.
template <class Element>
Element converted_element(const unsigned char* bytes, stored_type type, std::uint64_t i) {
  if constexpr (is_integer<Element>) {
    Element value{};
    std::memcpy(&value, bytes + i * sizeof(Element), sizeof(Element));
    return value;
  } else
    return static_cast<Element>(static_cast<compute_t<Element>>(stored_element(bytes, type, i)));
}

/// The largest finite number that parameters of type `Element` hold.
template <class Element>
inline constexpr double largest_element = same<Element, double>     ? 0x1.fffffffffffffp1023
                                          : same<Element, float>    ? 0x1.fffffep127
                                          : same<Element, bfloat16> ? 0x1.fep127
                                                                    : 65504.0;

/// Nine digits of a number: enough to tell it from the largest of a type.
struct number_text {
  char digits[32]{};
  explicit number_text(double number) { std::snprintf(digits, sizeof digits, "%.9g", number); }
};

/// Whether all numbers of a tensor are finite, and stay so in the element type of its parameter.
template <class Leaf>
error check_numbers(const directory& from, const tensor_entry& entry, const char* path) {
  using element = typename Leaf::element;
  const unsigned char* const bytes = from.bytes.data() + entry.begin;
  for (std::uint64_t i = 0; i < Leaf::size; ++i)
    if (!maths::is_finite(widen(converted_element<element>(bytes, entry.type, i)))) {
      const double stored = stored_element(bytes, entry.type, i);
      error value = file_error(error_kind::value, "lacuna::load", from.path);
      value << "tensor '" << path << "': element " << i << ": expected ";
      if (maths::is_finite(stored))
        return value << "a magnitude of at most " << number_text(largest_element<element>).digits << " in "
                     << element_traits<element>::name.c_str() << ", found " << number_text(stored).digits
                     << " (choose wider numerics)";
      return value << "a finite number, found " << (maths::is_nan(stored) ? "NaN" : "infinity")
                   << " (the weights are damaged)";
    }
  return {};
}

/// Whether an entry is what a parameter asks for: there, of its shape and element type, with numbers that it can hold.
template <class Leaf>
error check_entry(const directory& from, const tensor_entry* entry, const char* path) {
  std::uint64_t extents[Leaf::rank == 0 ? 1 : Leaf::rank]{};
  for (extent_t i = 0; i < Leaf::rank; ++i) extents[i] = Leaf::extents[i];
  error wrong = file_error(error_kind::shape, "lacuna::load", from.path);
  wrong << "tensor '" << path << "': expected shape ";
  append_shape(wrong, extents, Leaf::rank);
  if (entry == nullptr) {
    const tensor_entry* nearest = nullptr;
    for (const auto& other : from.entries)
      if (nearest == nullptr || likeness(other.name, path) > likeness(nearest->name, path)) nearest = &other;
    wrong << ", found no such tensor among " << static_cast<std::uint64_t>(from.entries.size());
    if (nearest != nullptr) {
      wrong << "; the nearest is '";
      wrong.message.append(nearest->name.c_str(), nearest->name.size() < 80 ? nearest->name.size() : 80);
      wrong << '\'';
    }
    return wrong << " (is it the recipe of this file?)";
  }
  bool equal = entry->shape.size() == Leaf::rank;
  for (extent_t i = 0; equal && i < Leaf::rank; ++i) equal = entry->shape[i] == extents[i];
  if (!equal) {
    wrong << ", found ";
    append_shape(wrong, entry->shape.data(), entry->shape.size());
    return wrong << " (change the recipe's sizes to those of the file)";
  }
  using element = typename Leaf::element;
  const auto of_another_type = [&](const char* expected) {
    error type = file_error(error_kind::shape, "lacuna::load", from.path);
    type << "tensor '" << path << "': expected elements " << expected << ", found ";
    type.message.append(entry->type_name.c_str(), entry->type_name.size() < 20 ? entry->type_name.size() : 20);
    return type << " (convert the file)";
  };
  if constexpr (is_integer<element>) {
    if (entry->type != stored_type_of<element>) return of_another_type(safetensors_name<element>);
    return {};
  } else {
    if (!is_floating(entry->type)) return of_another_type("F64, F32, F16 or BF16");
    return check_numbers<Leaf>(from, *entry, path);
  }
}
/// Fills every tensor, once all are found right one by one.
template <class Parameters>
status fill_tensors(const directory& from, Parameters& into) {
  std::unordered_map<std::string_view, const tensor_entry*> by_name;
  for (const auto& entry : from.entries) by_name.emplace(entry.name, &entry);
  const auto find = [&](const char* path) -> const tensor_entry* {
    const auto found = by_name.find(path);
    return found == by_name.end() ? nullptr : found->second;
  };
  error wrong;
  std::unordered_map<std::string_view, bool> wanted;
  visit_named(
      [&]<class Leaf>(const char* path, const Leaf&) {
        if (wrong) return;
        const tensor_entry* entry = find(path);
        if (entry != nullptr) wanted.emplace(entry->name, true);
        wrong = detail::check_entry<Leaf>(from, entry, path);
      },
      into);
  if (wrong) return wrong;
  for (const auto& entry : from.entries)
    if (wanted.find(entry.name) == wanted.end()) {
      error surplus = detail::file_error(error_kind::shape, "lacuna::load", from.path);
      surplus << "expected " << static_cast<std::uint64_t>(wanted.size()) << " tensors, found another: '";
      surplus.message.append(entry.name.c_str(), entry.name.size() < 80 ? entry.name.size() : 80);
      return surplus << "' (is it the recipe of this file?)";
    }
  visit_named(
      [&]<class Leaf>(const char* path, Leaf& leaf) {
        const tensor_entry& entry = *find(path);
        using element = typename Leaf::element;
        for (std::uint64_t i = 0; i < Leaf::size; ++i)
          leaf.data[i] = detail::converted_element<element>(from.bytes.data() + entry.begin, entry.type, i);
      },
      into);
  return nothing{};
}

}  // namespace detail

/// Fills a struct of parameters: every tensor by name, exact shape, converted to the element type. Everything is
/// checked first, so that after an error nothing was written. Errors: a tensor that is missing, surplus, of another
/// shape or element type, or holds NaN, infinity or what its element type cannot hold; a pattern of a sparse weight
/// that is none: numbers out of range, out of order or twice.
template <class Parameters>
status try_fill(const directory& from, Parameters& into) {
  bool integers = false;
  visit_tensors([&]<class Leaf>(const Leaf&) { integers = integers || is_integer<typename Leaf::element>; }, into);
  if (!integers) return detail::fill_tensors(from, into);
  // What several tensors say together can only be checked once they are read: such parameters are read apart first.
  const auto apart = box<Parameters>::make();
  if (!apart)
    return detail::file_error(error_kind::memory, "lacuna::load", from.path)
           << "expected memory for a second copy of the parameters, found too little";
  if (auto read = detail::fill_tensors(from, *apart); !read.ok()) return read;
  if (const auto checked = try_check_parameters(*apart); !checked.ok())
    return detail::file_error(error_kind::value, "lacuna::load", from.path) << checked.why().message;
  into = *apart;
  return nothing{};
}

/// Compares the sizes that both sides know; a file holds them as metadata `lacuna.heads` and so on.
inline status try_check_attributes(const directory& from, const attribute* list, extent_t count) {
  for (extent_t i = 0; i < count; ++i) {
    const auto found = find_metadata(from, std::string("lacuna.") + list[i].name);
    if (!found || *found == std::to_string(list[i].value)) continue;
    // A shorter context than the file's runs the same weights; learned positions are compared as a tensor.
    if (std::strcmp(list[i].name, "context") == 0 && std::strtoull(found->c_str(), nullptr, 10) > list[i].value)
      continue;
    error wrong = detail::file_error(error_kind::shape, "lacuna::load", from.path);
    wrong << list[i].name << ": expected " << static_cast<std::uint64_t>(list[i].value) << ", found ";
    wrong.message.append(found->c_str(), found->size() < 24 ? found->size() : 24);
    return wrong << " (change the recipe's sizes to those of the file)";
  }
  return nothing{};
}

LACUNA_END
