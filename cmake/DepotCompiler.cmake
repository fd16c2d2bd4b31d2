# Language level and warnings, held in one interface target that every target of ours links.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set_property(GLOBAL PROPERTY USE_FOLDERS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

add_library(depot_flags INTERFACE)
target_compile_definitions(depot_flags INTERFACE
  _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE $<$<PLATFORM_ID:Darwin>:_DARWIN_C_SOURCE>
  DEPOT_VERSION="${PROJECT_VERSION}")
target_compile_options(depot_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wwrite-strings -Wpointer-arith -fno-common)
if(DEPOT_WERROR)
  target_compile_options(depot_flags INTERFACE -Werror)
endif()
if(DEPOT_SANITIZE)
  target_compile_options(depot_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1)
  target_link_options(depot_flags INTERFACE -fsanitize=address,undefined)
else()
  target_compile_options(depot_flags INTERFACE
    $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2> -fstack-protector-strong)
  target_link_options(depot_flags INTERFACE "$<$<PLATFORM_ID:Linux>:-Wl,-z,relro;-Wl,--as-needed>")
endif()
if(DEPOT_FUZZ)
  target_compile_options(depot_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
