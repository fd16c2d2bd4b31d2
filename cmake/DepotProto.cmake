# C for the messages in proto/, generated into the build directory and never committed. A file
# that imports another must be made again with it, hence the dependency of each on all.
file(GLOB protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/proto/*.proto)
set(proto_dir ${PROJECT_BINARY_DIR}/proto)
set(proto_sources)
foreach(proto IN LISTS protos)
  get_filename_component(stem ${proto} NAME_WE)
  add_custom_command(
    OUTPUT ${proto_dir}/${stem}.pb-c.c ${proto_dir}/${stem}.pb-c.h
    COMMAND ${CMAKE_COMMAND} -E make_directory ${proto_dir}
    COMMAND ${PROTOC_C} --c_out=${proto_dir} -I${PROJECT_SOURCE_DIR}/proto ${proto}
    DEPENDS ${protos} VERBATIM)
  list(APPEND proto_sources ${proto_dir}/${stem}.pb-c.c)
endforeach()
add_library(depot_proto STATIC ${proto_sources})
set_target_properties(depot_proto PROPERTIES LINKER_LANGUAGE C
  POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
target_include_directories(depot_proto SYSTEM PUBLIC ${proto_dir})
target_link_libraries(depot_proto PUBLIC PkgConfig::protobufc)
if(DEPOT_SANITIZE)
  target_compile_options(depot_proto PRIVATE -fsanitize=address)
endif()
