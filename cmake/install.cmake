# libplait.so: the layers that an application needs, whole; visible is only what PLAIT_API marks (plait/config.hpp).
# Installed with its headers, the command, a CMake package (find_package(plait), plait::plait) and plait.pc.
include(CMakePackageConfigHelpers)

set(layers ${PLAIT_LAYERS})
list(FILTER layers EXCLUDE REGEX "^(bench|cli)$")
list(TRANSFORM layers PREPEND plait_)
list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)

add_library(plait SHARED ${objects})
add_library(plait::plait ALIAS plait)
target_link_libraries(plait PRIVATE ${layers})  # for their third-party libraries; their objects are all in already
target_link_options(plait PRIVATE -Wl,--no-undefined)
plait_link_time_optimize(plait)
target_compile_features(plait INTERFACE cxx_std_20)
target_include_directories(plait INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# Before 1.0 every minor version may change the ABI.
set_target_properties(plait PROPERTIES LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/plait)
install(TARGETS plait EXPORT plaitTargets COMPONENT plait)
install(DIRECTORY include/plait TYPE INCLUDE COMPONENT plait)
install(EXPORT plaitTargets NAMESPACE plait:: FILE plaitConfig.cmake DESTINATION ${package_folder} COMPONENT plait)
write_basic_package_version_file(plaitConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH path_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # so that the package may be moved
configure_file(plait.pc.in plait.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/plaitConfigVersion.cmake DESTINATION ${package_folder} COMPONENT plait)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/plait.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT plait)
install(TARGETS plait_cli COMPONENT plait)
install(DIRECTORY bench/peers DESTINATION ${CMAKE_INSTALL_DATADIR}/plait COMPONENT plait
  FILES_MATCHING PATTERN "*.py" PATTERN "*.js")
