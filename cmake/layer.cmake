# plait_layer(NAME [LAYERS other…] [LIBRARIES third-party…])
#
# One folder of src/ as one static library. Its include path is include/ and a build folder that holds a symlink to
# its own sources only; the folders of other layers come with the LAYERS it declares and, because every link is
# PRIVATE, with no others. So an include that the layer table (ARCHITECTURE.md) forbids fails with "No such file".
function(plait_layer name)
  cmake_parse_arguments(ARG "" "" "LAYERS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  plait_link_folder(${name} link_folder)
  add_library(plait_${name} STATIC ${sources})
  set_target_properties(plait_${name} PROPERTIES PLAIT_LAYERS "${ARG_LAYERS}")  # for the fuzz targets
  target_include_directories(plait_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${link_folder})
  list(TRANSFORM ARG_LAYERS PREPEND plait_)
  target_link_libraries(plait_${name} PRIVATE ${ARG_LAYERS} ${ARG_LIBRARIES})
  plait_compile_options(plait_${name})
  if(PLAIT_LTO)
    target_compile_options(plait_${name} PRIVATE -flto -ffat-lto-objects)
  endif()
endfunction()

# Makes the build folder that holds one symlink, NAME, to the current sources, and stores its path in VARIABLE.
function(plait_link_folder name variable)
  set(folder ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${folder})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${folder}/${name} SYMBOLIC)
  set(${variable} ${folder} PARENT_SCOPE)
endfunction()

# plait_test(NAME SOURCES… LAYERS … [LIBRARIES …] [LABELS …] [TIMEOUT seconds])
#
# One GoogleTest executable, every TEST of it a ctest test of its own. All in tests/unit have the label `unit`; give
# `tsan` to those that cross threads and `slow` to those that take more than 10 s. The target tests_<label> builds all
# executables of a label. What is tested is optimized, the tests themselves are not: they would take twice as long to
# compile, and they share one precompiled header (tests/precompiled.hpp).
function(plait_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LAYERS;LIBRARIES;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 30)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  list(TRANSFORM ARG_LAYERS PREPEND plait_)
  target_link_libraries(${name} PRIVATE ${ARG_LAYERS} ${ARG_LIBRARIES} GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE PLAIT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  plait_compile_options(${name})
  plait_test_quick_compile(${name})
  target_precompile_headers(${name} REUSE_FROM plait_precompiled)
  set(labels ${ARG_LABELS} ${PLAIT_TEST_LABELS})
  foreach(label IN LISTS labels)
    add_dependencies(tests_${label} ${name})
  endforeach()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  # gtest_discover_tests takes a list of labels apart, so they are set by a file of their own, read after its own.
  set(labels_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(WRITE ${labels_file} "set_tests_properties(\${${name}_TESTS} PROPERTIES LABELS \"${labels}\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels_file})
endfunction()

# No optimization of a target of tests, whatever the preset. Under UBSan the tests themselves go without the checks of
# each pointer, which are a third of their compile time: a null or freed object is AddressSanitizer's to find there.
function(plait_test_quick_compile target)
  target_compile_options(${target} PRIVATE -O0)
  if(PLAIT_SANITIZE MATCHES undefined)
    target_compile_options(${target} PRIVATE -fno-sanitize=null,vptr,alignment,object-size)
  endif()
endfunction()
