# Turns text files into a C++ source: cmake -DOUTPUT=FILE -DINPUTS=A;B -P embed.cmake defines
# `extern const std::string_view kAsset_NAME` for each, NAME being the file's own with '_' for '.'.
# Used by tianyan_embed() of the root CMakeLists, again whenever a file changes.
set(text "// Made by cmake/embed.cmake from files of the tree.\n#include <string_view>\n\nnamespace tianyan {\n")
foreach(input IN LISTS INPUTS)
  get_filename_component(name "${input}" NAME)
  string(MAKE_C_IDENTIFIER "${name}" name)
  file(READ "${input}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND text "namespace {\nconstexpr char ${name}_bytes[] = {${bytes}'\\0'};\n}\n"
         "extern const std::string_view kAsset_${name};\n"
         "const std::string_view kAsset_${name}(${name}_bytes, sizeof(${name}_bytes) - 1);\n")
endforeach()
string(APPEND text "}  // namespace tianyan\n")
file(WRITE "${OUTPUT}" "${text}")
