# Warnings for our own code, on every target that calls plait_compile_options().
set(PLAIT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # What gcc 12 says wrongly when it optimizes: overlaps inside std::string's operator+ (fixed in 13), a mismatch where
  # a test that counts allocations replaces operator new and delete by malloc and free, and that the value of an empty
  # std::optional is read.
  list(APPEND PLAIT_WARNINGS -Wno-restrict -Wno-mismatched-new-delete -Wno-maybe-uninitialized)
endif()

function(plait_compile_options target)
  target_compile_options(${target} PRIVATE ${PLAIT_WARNINGS} -fno-omit-frame-pointer)
  if(PLAIT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PLAIT_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${PLAIT_SANITIZE})
  endif()
  if(PLAIT_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
