# Warnings for our own code, on every target that calls plait_compile_options().
set(PLAIT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # What gcc 12 says wrongly when it optimizes: overlaps inside std::string's operator+ (fixed in 13), a mismatch where
  # a test that counts allocations replaces operator new and delete by malloc and free, and that the value of an empty
  # std::optional is read.
  list(APPEND PLAIT_WARNINGS -Wno-restrict -Wno-mismatched-new-delete -Wno-maybe-uninitialized)
endif()

# Link-time optimization of what ships, the command and the library: the path of a message crosses five layers. The
# objects hold machine code too ("fat"), so that everything else links as fast as without.
set(PLAIT_LTO OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL Release AND NOT PLAIT_SANITIZE)
  set(PLAIT_LTO ON)
endif()

function(plait_link_time_optimize target)
  set_target_properties(${target} PROPERTIES PLAIT_LINK_TIME_OPTIMIZE ON)
  target_link_options(${target} PRIVATE $<$<BOOL:${PLAIT_LTO}>:-flto=auto>)
endfunction()

function(plait_compile_options target)
  target_compile_options(${target} PRIVATE ${PLAIT_WARNINGS} -fno-omit-frame-pointer)
  # A batch includes sources: no headers, so gcc need not warn about their unnamed namespaces, nor clang-tidy at all.
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD_CODE_BEFORE_INCLUDE "// NOLINTNEXTLINE(bugprone-suspicious-include)")
  if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  if(PLAIT_LTO)
    target_link_options(${target} PRIVATE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:PLAIT_LINK_TIME_OPTIMIZE>>>:-fno-lto>)
  endif()
  if(PLAIT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${PLAIT_SANITIZE} -fno-sanitize-recover=all)
    if(PLAIT_SANITIZE MATCHES address AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # The same checks as calls instead of as inline code, which takes a seventh of the compile time away.
      target_compile_options(${target} PRIVATE --param=asan-instrumentation-with-call-threshold=0)
    endif()
    target_link_options(${target} PUBLIC -fsanitize=${PLAIT_SANITIZE})
  endif()
  if(PLAIT_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()
