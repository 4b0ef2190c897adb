# Programs of the project itself (tests, examples, benchmarks): all warnings on, all in one folder.
# Users of the headers never see these options.

set(CMAKE_CXX_EXTENSIONS OFF)

function(lacuna_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE lacuna::lacuna)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
  # g++ begins to clean its memory at 128 MB, again and again; from 1 GB on, a tenth of the time is saved.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE --param=ggc-min-heapsize=1000000)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
endfunction()
