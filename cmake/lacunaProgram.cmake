# Programs of the project itself (tests, examples, benchmarks): all warnings on, all in one folder.
# Users of the headers never see these options.

set(CMAKE_CXX_EXTENSIONS OFF)

function(lacuna_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE lacuna::lacuna)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()
