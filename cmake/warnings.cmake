# Warnings for our own code, on every target that calls plait_compile_options().
set(PLAIT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror)

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
