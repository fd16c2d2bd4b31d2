# libdepot as others see it: an archive, which our programs link too, and a shared library that
# shows what the installed headers declare, and nothing else.
option(DEPOT_SHARED "Build the shared library beside the archive" ON)

# The public interface: all that it takes to follow builds and to drive one. Every other header of
# include/depot is for our own programs, is not installed, and changes as they need it.
set(DEPOT_API_HEADERS
  addr base buf build clock endpoint error event export feed log loop query record request state
  status why wire)

# Until 1.0 each minor version may break the interface, and says so in its SONAME.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(depot_soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
else()
  set(depot_soversion ${PROJECT_VERSION_MAJOR})
endif()

add_library(depot STATIC)
set(depot_libraries depot)
if(DEPOT_SHARED)
  add_library(depot_shared SHARED)
  set_target_properties(depot_shared PROPERTIES
    OUTPUT_NAME depot VERSION ${PROJECT_VERSION} SOVERSION ${depot_soversion})
  list(APPEND depot_libraries depot_shared)
endif()
foreach(library IN LISTS depot_libraries)
  target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${library} PUBLIC depot_flags Threads::Threads ${CMAKE_DL_LIBS})
endforeach()

# The objects of `target` go into both, which then need what it links, too. They are compiled once:
# position independent, and hidden where no header says otherwise. Nobody replaces our functions at
# run time, so the compiler may inline them.
function(depot_library_add target)
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
  target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  foreach(library IN LISTS depot_libraries)
    target_sources(${library} PRIVATE $<TARGET_OBJECTS:${target}>)
    target_link_libraries(${library} PUBLIC ${ARGN})
  endforeach()
endfunction()

function(depot_library_install)
  # Nobody else has the generated code: the installed archive must hold it.
  target_sources(depot PRIVATE $<TARGET_OBJECTS:depot_proto>)
  list(TRANSFORM DEPOT_API_HEADERS PREPEND ${PROJECT_SOURCE_DIR}/include/depot/)
  list(TRANSFORM DEPOT_API_HEADERS APPEND .h)
  install(FILES ${DEPOT_API_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/depot)
  install(TARGETS ${depot_libraries})

  # depot.pc, and for CMake a package that reads it. Both say where they lie by themselves, so that
  # the whole tree may be moved.
  set(lib ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH depot_prefix /${lib}/pkgconfig /)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/depot.pc.in depot.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/depot.pc DESTINATION ${lib}/pkgconfig)
  include(CMakePackageConfigHelpers)
  write_basic_package_version_file(depot-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/depot-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/depot-config-version.cmake DESTINATION ${lib}/cmake/depot)
endfunction()
