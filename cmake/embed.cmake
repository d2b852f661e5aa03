# plait_embed(TARGET NAMESPACE name=file…)
#
# Makes a source of TARGET that defines `const std::string_view name` in NAMESPACE with the file's text.
function(plait_embed target namespace)
  set(source "#include <string_view>\n\nnamespace ${namespace} {\n\n")
  foreach(pair IN LISTS ARGN)
    string(REPLACE "=" ";" pair "${pair}")
    list(GET pair 0 name)
    list(GET pair 1 file)
    file(READ ${file} text)
    string(APPEND source "extern const std::string_view ${name};\n"
      "const std::string_view ${name} = R\"embedded(${text})embedded\";\n\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  string(APPEND source "}  // namespace ${namespace}\n")
  file(CONFIGURE OUTPUT ${target}_embedded.cpp CONTENT "@source@" @ONLY)
  target_sources(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cpp)
endfunction()
