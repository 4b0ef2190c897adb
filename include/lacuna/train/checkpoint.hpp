#pragma once
/// Trainings in files: parameters, moments and progress, so that a training that was killed goes on with the same bits.

#include <charconv>
#include <lacuna/io/load.hpp>
#include <lacuna/train/trainer.hpp>

LACUNA_BEGIN

namespace detail {

/// What a training is, as one struct of tensors, or of references to them: `parameters.blocks.0...`,
/// `moments.first.blocks.0...`.
template <class Parameters, class Moments>
struct training_tensors {
  Parameters parameters;
  Moments moments;
  template <class Visitor, class... Structs>
  static constexpr void visit(Visitor&& v, Structs&... s) {
    v("parameters", s.parameters...);
    v("moments", s.moments...);
  }
};

/// The type in which a trainer computes: in another one, bits would not be the same.
template <class Trainer>
inline constexpr const char* element_name = safetensors_name<typename Trainer::model_type::value>;

/// A whole number of a checkpoint's metadata.
inline outcome<std::uint64_t> try_metadata_number(const directory& of, const char* name) {
  const auto text = find_metadata(of, name);
  std::uint64_t number = 0;
  if (text) {
    const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
    if (read.ec == std::errc{} && read.ptr == text->data() + text->size()) return number;
  }
  error wrong = file_error(error_kind::file, "lacuna::resume", of.path);
  wrong << "metadata '" << name << "': expected a whole number, found ";
  if (!text) return wrong << "none (is it a file of try_save_training?)";
  wrong << "'";
  wrong.message.append(text->c_str(), text->size() < 24 ? text->size() : 24);
  return wrong << "' (write it with try_save_training)";
}

template <class Trainer>
inline constexpr bool is_trainer = requires(const Trainer& of) {
  of.progress();
  of.moments();
  of.trained();
};

/// Whether metadata of the caller's can stand beside the library's, each under a name of its own.
inline status try_check_keys(const std::string& path, const std::vector<std::pair<std::string, std::string>>& extra) {
  const auto wrong = [&](const std::string& key, const char* found) {
    error why = file_error(error_kind::value, "lacuna::save_training", path) << "metadata '";
    why.message.append(key.c_str(), key.size() < 40 ? key.size() : 40);
    return why << "': expected " << found;
  };
  constexpr const char* reserved = "lacuna.";
  for (auto each = extra.begin(); each != extra.end(); ++each) {
    if (each->first.rfind(reserved, 0) == 0)
      return wrong(each->first,
                   "a key of the program's own, found one that begins with lacuna. (call it another name)");
    for (auto other = extra.begin(); other != each; ++other)
      if (other->first == each->first) return wrong(each->first, "each key once, found it twice (leave one out)");
  }
  return nothing{};
}

/// In how many steps each tensor learnt: as many numbers, with a space between them. Where nothing is said, in all.
template <extent_t Count>
status try_read_learnt(const directory& from, std::uint64_t steps, std::uint64_t (&learnt)[Count]) {
  const auto text = find_metadata(from, "lacuna.training.learnt");
  const char* at = text ? text->data() : nullptr;
  const char* const end = text ? at + text->size() : nullptr;
  bool fine = true;
  for (auto& each : learnt) {
    each = steps;
    if (!text || !fine) continue;
    const auto read = std::from_chars(at, end, each);
    fine = read.ec == std::errc{} && each <= steps;
    at = read.ptr != end && *read.ptr == ' ' ? read.ptr + 1 : read.ptr;
  }
  if (fine && at == end) return nothing{};
  return file_error(error_kind::file, "lacuna::resume", from.path)
         << "metadata 'lacuna.training.learnt': expected " << std::uint64_t{Count} << " whole numbers of at most "
         << steps << ", found something else (write it with try_save_training)";
}

/// Moments that are means of squares are not negative: their root would be no number, and with it every weight.
template <class Moments>
status try_check_squares(const directory& from, const Moments& of) {
  error wrong;
  if constexpr (requires { of.squares(); })
    visit_named(
        [&](const char* path, const auto& squares) {
          for (extent_t i = 0; i < squares.size && !wrong; ++i)
            if (squares[i] < 0)
              wrong = file_error(error_kind::value, "lacuna::resume", from.path)
                      << "squares of '" << path << "', element " << std::uint64_t{i} << ": expected 0 or more, found "
                      << static_cast<double>(squares[i]) << " (write it with try_save_training)";
        },
        of.squares());
  if (wrong) return wrong;
  return nothing{};
}

}  // namespace detail

/// Writes parameters, moments and progress, with the recipe's sizes as metadata. The old file stays whole until the new
/// one is: a process that is killed at any moment leaves one of the two. What the program itself says, it says again
/// when it resumes: options, the optimiser's numbers, settings of tensors, parts; `extra` are metadata of the caller's,
/// by which it can compare them.
/// Errors: those of `try_write_file`; a trainer whose last step left numbers that are not finite; a key of `extra` that
/// begins with `lacuna.`, as the library's own do, or is there twice.
template <class Trainer>
status try_save_training(const Trainer& from, const std::string& path,
                         std::vector<std::pair<std::string, std::string>> extra = {}) {
  const auto& progress = from.progress();
  if (from.damaged())
    return detail::file_error(error_kind::value, "lacuna::save_training", path)
           << "expected finite weights and moments, found others after step " << progress.steps
           << " (nothing was written; resume the last training that was saved)";
  if (auto fine = detail::try_check_keys(path, extra); !fine.ok()) return fine;
  constexpr recipe_attributes<typename Trainer::model_type::recipe_type> sizes;
  for (extent_t i = 0; i < sizes.count; ++i)
    extra.emplace_back(std::string("lacuna.") + sizes.list[i].name, std::to_string(sizes.list[i].value));
  extra.insert(extra.begin(), {{"lacuna.format", file_version},
                               {"lacuna.training.elements", detail::element_name<Trainer>},
                               {"lacuna.training.steps", std::to_string(progress.steps)},
                               {"lacuna.training.targets", std::to_string(progress.targets)},
                               {"lacuna.training.multiply_adds", std::to_string(progress.multiply_adds)}});
  std::string learnt;
  bool always = true;
  for (extent_t tensor = 0; tensor < Trainer::tensor_count; ++tensor) {
    learnt += (tensor > 0 ? " " : "") + std::to_string(from.learnt(tensor));
    always = always && from.learnt(tensor) == progress.steps;
  }
  if (!always) extra.emplace_back("lacuna.training.learnt", learnt);
  const detail::training_tensors<const typename Trainer::parameters_type&, const typename Trainer::moments_type&>
      tensors{from.trained().parameters(), from.moments()};
  return try_write_safetensors(path, tensors, extra);
}

// Of a model there is no training: complains.
template <class Other>
  requires(!detail::is_trainer<Other>)
status try_save_training(const Other&, const std::string&, std::vector<std::pair<std::string, std::string>> = {}) {
  static_assert(__is_base_of(nothing, rules::training_is_of_a_trainer<detail::is_trainer<Other>>) || true);
  return nothing{};
}

/// Goes on where `try_save_training` was: parameters, moments and progress. Errors, before anything is changed: those
/// of `try_fill` (another recipe or optimiser, damaged numbers); squares below 0 among the moments; metadata that are
/// missing or no numbers; sizes of the recipe that differ, such as heads; another element type; a newer version; no
/// memory.
template <class Trainer>
  requires detail::is_trainer<Trainer>
status try_resume_training(Trainer& to, const directory& from) {
  constexpr recipe_attributes<typename Trainer::model_type::recipe_type> sizes;
  if (!to.ready()) return error(error_kind::memory, "lacuna::resume: the allocator had no memory for the trainer");
  if (auto version = try_check_version(from); !version.ok()) return version;
  if (auto fits = try_check_attributes(from, sizes.list, sizes.count); !fits.ok()) return fits;
  const auto steps = detail::try_metadata_number(from, "lacuna.training.steps");
  if (!steps.ok()) return steps.why();
  const auto targets = detail::try_metadata_number(from, "lacuna.training.targets");
  if (!targets.ok()) return targets.why();
  const auto multiply_adds = detail::try_metadata_number(from, "lacuna.training.multiply_adds");
  if (!multiply_adds.ok()) return multiply_adds.why();
  std::uint64_t learnt[Trainer::tensor_count];
  if (auto read = detail::try_read_learnt(from, *steps, learnt); !read.ok()) return read;
  const auto elements = find_metadata(from, "lacuna.training.elements");
  if (elements != detail::element_name<Trainer>) {
    error wrong = detail::file_error(error_kind::file, "lacuna::resume", from.path);
    wrong << "expected a training in " << detail::element_name<Trainer> << ", found ";
    if (!elements) return wrong << "none named (is it a file of try_save_training?)";
    wrong.message.append(elements->c_str(), elements->size() < 24 ? elements->size() : 24);
    return wrong << " (resume it in the same numerics)";
  }
  const auto read =
      box<detail::training_tensors<typename Trainer::parameters_type, typename Trainer::moments_type>>::make();
  if (!read)
    return detail::file_error(error_kind::memory, "lacuna::resume", from.path)
           << "expected memory for a second copy of the parameters and moments, found too little";
  if (auto filled = try_fill(from, *read); !filled.ok()) return filled;
  if (auto squares = detail::try_check_squares(from, read->moments); !squares.ok()) return squares;
  to.trained().parameters_to_write() = read->parameters;
  to.moments_to_write() = read->moments;
  to.restore({*steps, *targets, *multiply_adds}, learnt);
  return nothing{};
}
/// The same from a file.
template <class Trainer>
  requires detail::is_trainer<Trainer>
status try_resume_training(Trainer& to, const std::string& path) {
  const auto opened = try_read_safetensors(path);
  if (!opened.ok()) return opened.why();
  return try_resume_training(to, *opened);
}
// Of a model there is no training: complains.
template <class Other, class From>
  requires(!detail::is_trainer<Other>)
status try_resume_training(Other&, const From&) {
  static_assert(__is_base_of(nothing, rules::training_is_of_a_trainer<detail::is_trainer<Other>>) || true);
  return nothing{};
}

LACUNA_END
