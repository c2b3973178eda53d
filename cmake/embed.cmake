# sm_embed(<target> OUTPUT <file.cpp> TEMPLATE <file.cpp.in> FILES <file>...)
#
# Adds a source to <target>, made from the template at build time: @<name>@ in it becomes the text of
# the file of that name, with '.' and '-' as '_', as a raw string literal. The same file is the
# function's definition and, with `cmake -P`, the step that runs at build time.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(_sm_embed_script "${CMAKE_CURRENT_LIST_FILE}")

  function(sm_embed target)
    cmake_parse_arguments(ARG "" "OUTPUT;TEMPLATE" "FILES" ${ARGN})
    list(JOIN ARG_FILES "|" files)
    add_custom_command(
      OUTPUT "${ARG_OUTPUT}"
      COMMAND "${CMAKE_COMMAND}" "-DOUTPUT=${ARG_OUTPUT}" "-DTEMPLATE=${ARG_TEMPLATE}"
              "-DFILES=${files}" -P "${_sm_embed_script}"
      DEPENDS "${ARG_TEMPLATE}" ${ARG_FILES} "${_sm_embed_script}"
      VERBATIM)
    target_sources(${target} PRIVATE "${ARG_OUTPUT}")
  endfunction()
  return()
endif()

string(REPLACE "|" ";" files "${FILES}")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  string(REGEX REPLACE "[.-]" "_" name "${name}")
  file(READ "${file}" text)
  set(${name} "R\"embed(${text})embed\"")
endforeach()
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)
