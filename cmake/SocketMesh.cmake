# Compiler settings of the whole tree, and the two helpers its CMakeLists use.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# -g1: line tables are enough for backtraces and perf, and halve link time and objects.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O3 -g1 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")

find_program(SOCKETMESH_CCACHE ccache)
if(SOCKETMESH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SOCKETMESH_CCACHE}")
endif()

if(SOCKETMESH_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# What every target of ours is compiled with. An INTERFACE target, so that gtest, when it comes
# as sources, stays out of our warnings.
add_library(sm_options INTERFACE)
target_include_directories(sm_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_definitions(sm_options INTERFACE SOCKETMESH_VERSION="${PROJECT_VERSION}")
target_compile_options(sm_options INTERFACE
  -fno-omit-frame-pointer -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wundef)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # std::stable_sort of GCC 12's library uses a function that it deprecated itself.
  target_compile_options(sm_options INTERFACE -Wno-deprecated-declarations)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(sm_options INTERFACE -Wno-restrict)  # misfires on "a" + string (PR 105651)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SOCKETMESH_SANITIZE)
  # GCC's flow warnings misfire in instrumented code; the release build has them.
  target_compile_options(sm_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow)
endif()
if(SOCKETMESH_WERROR)
  target_compile_options(sm_options INTERFACE -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Known false positives of GCC 12 at -O3, worth seeing, not worth a red build.
    target_compile_options(sm_options INTERFACE -Wno-error=maybe-uninitialized
      -Wno-error=stringop-overflow -Wno-error=stringop-overread -Wno-error=array-bounds
      -Wno-error=restrict)
  endif()
endif()

if(SOCKETMESH_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "The fuzz preset needs clang: `make fuzz`, or "
                        "`cmake --preset fuzz -DCMAKE_CXX_COMPILER=clang++-19`.")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(SOCKETMESH_SANITIZE)
  add_compile_options(-fsanitize=${SOCKETMESH_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SOCKETMESH_SANITIZE})
endif()

# sm_library(<target> GLOBS <glob>... [EXCLUDE <file>...] [LINK <target>...])
#
# A static library of every source that matches; an INTERFACE library while there is none, so that
# the tree configures before a room is furnished.
function(sm_library target)
  cmake_parse_arguments(ARG "" "" "GLOBS;EXCLUDE;LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${ARG_GLOBS})
  foreach(excluded IN LISTS ARG_EXCLUDE)
    list(REMOVE_ITEM sources "${CMAKE_CURRENT_SOURCE_DIR}/${excluded}")
  endforeach()
  if(sources)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PUBLIC sm_options ${ARG_LINK})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE sm_options ${ARG_LINK})
  endif()
endfunction()

# sm_gtest(<target> GLOBS <glob>... LINK <target>...)
#
# One GoogleTest binary of every *_test.cpp that matches, its tests known to ctest by name.
function(sm_gtest target)
  cmake_parse_arguments(ARG "" "" "GLOBS;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_GLOBS})
  if(NOT sources)
    return()
  endif()
  add_executable(${target} ${sources})
  target_link_libraries(${target} PRIVATE sm_options ${ARG_LINK} GTest::gmock_main)
  target_compile_definitions(${target} PRIVATE
    SOCKETMESH_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SOCKETMESH_BIN_DIR="${SOCKETMESH_BIN_DIR}")
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${target}:"
                       PROPERTIES TIMEOUT 120 LABELS "${target}")
endfunction()
