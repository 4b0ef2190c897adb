# One program for several machines: a source is compiled once per instruction set, and the processor is asked at run
# time which to call.
#
#   lacuna_add_dispatch(TARGET FUNCTION HEADER header SOURCE source [ARCHITECTURES architecture...])
#
# The header declares `R FUNCTION();`, outside any namespace, where R is mostly a reference to a struct of function
# pointers. The source, which is not among the target's own, defines it under the name LACUNA_DISPATCHED:
#
#   const writer& LACUNA_DISPATCHED() {
#     static constexpr writer of_this_architecture{&write};
#     return of_this_architecture;
#   }
#
# FUNCTION() then calls the definition for the best of the ARCHITECTURES (arguments of -march) that the processor has;
# x86-64, x86-64-v3 (AVX2) and x86-64-v4 (AVX-512) if none is named. Elsewhere than on x86-64 the source is compiled
# once, for what the compiler takes without a word.
include(CheckCXXCompilerFlag)

function(lacuna_add_dispatch target name)
  cmake_parse_arguments(PARSE_ARGV 2 asked "" "HEADER;SOURCE" "ARCHITECTURES")
  foreach(part IN ITEMS HEADER SOURCE)
    if(NOT asked_${part})
      message(FATAL_ERROR "lacuna_add_dispatch: ${part} is missing (write lacuna_add_dispatch(target function "
        "HEADER header SOURCE source))")
    endif()
  endforeach()
  if(asked_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lacuna_add_dispatch: expected HEADER, SOURCE or ARCHITECTURES, "
      "found '${asked_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT asked_ARCHITECTURES)
    set(asked_ARCHITECTURES x86-64 x86-64-v3 x86-64-v4)
  endif()
  get_filename_component(header "${asked_HEADER}" ABSOLUTE)
  get_filename_component(source "${asked_SOURCE}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/lacuna_dispatch/${target}")

  # What a level asks of the processor beyond the level before, as __builtin_cpu_supports calls it.
  set(levels x86-64 x86-64-v2 x86-64-v3 x86-64-v4)
  set(asks_x86-64)
  set(asks_x86-64-v2 ssse3 sse4.2 popcnt)
  set(asks_x86-64-v3 avx2 fma bmi bmi2)
  set(asks_x86-64-v4 avx512f avx512bw avx512cd avx512dq avx512vl)
  foreach(architecture IN LISTS asked_ARCHITECTURES)
    if(NOT architecture IN_LIST levels)
      message(FATAL_ERROR "lacuna_add_dispatch: expected x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, "
        "found '${architecture}'")
    endif()
  endforeach()

  set(sources)
  set(declarations)
  set(choices)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(condition "true")
    foreach(architecture IN LISTS levels)
      foreach(feature IN LISTS asks_${architecture})
        string(APPEND condition " && __builtin_cpu_supports(\"${feature}\")")
      endforeach()
      if(NOT architecture IN_LIST asked_ARCHITECTURES)
        continue()
      endif()
      string(MAKE_C_IDENTIFIER "${architecture}" suffix)
      check_cxx_compiler_flag("-march=${architecture}" LACUNA_COMPILER_KNOWS_${suffix})
      if(NOT LACUNA_COMPILER_KNOWS_${suffix})
        message(STATUS "lacuna_add_dispatch: the compiler does not know -march=${architecture}, which is left out")
        continue()
      endif()
      set(file "${folder}/${name}_${suffix}.cpp")
      file(CONFIGURE OUTPUT "${file}" @ONLY
        CONTENT "#define LACUNA_DISPATCHED ${name}_${suffix}\n#include \"@source@\"\n")
      # Headers that were compiled beforehand are of another instruction set.
      set_source_files_properties("${file}" PROPERTIES COMPILE_OPTIONS "-march=${architecture}"
        SKIP_PRECOMPILE_HEADERS ON)
      list(APPEND sources "${file}")
      string(APPEND declarations "decltype(${name}) ${name}_${suffix};\n")
      string(PREPEND choices "  if (${condition}) return &${name}_${suffix};\n")
    endforeach()
  endif()
  if(sources)
    set(file "${folder}/${name}.cpp")
    string(CONCAT content
      "#include \"@header@\"\n#include <cstdio>\n#include <cstdlib>\n\n@declarations@\n"
      "namespace {\n\ndecltype(@name@)* choose() {\n  __builtin_cpu_init();\n@choices@"
      "  std::fputs(\"@name@: the processor has none of the instruction sets that the program is built for \"\n"
      "             \"(build it with x86-64 among them)\\n\", stderr);\n"
      "  std::abort();\n}\n\n"
      "template <class>\nstruct result_of;\ntemplate <class Result>\nstruct result_of<Result()> {\n"
      "  using type = Result;\n};\n\n}  // namespace\n\n"
      "result_of<decltype(@name@)>::type @name@() {\n  static decltype(@name@)* const chosen = choose();\n"
      "  return chosen();\n}\n")
    file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT "${content}")
    list(APPEND sources "${file}")
  else()
    set(file "${folder}/${name}.cpp")
    file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT "#define LACUNA_DISPATCHED ${name}\n#include \"@source@\"\n")
    list(APPEND sources "${file}")
  endif()
  # In ascending order: of an inline function that no namespace of lacuna tells apart (the standard library's, say), the
  # linker takes the first, which must run everywhere.
  target_sources(${target} PRIVATE ${sources})
endfunction()
