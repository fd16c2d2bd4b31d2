# Third-party libraries, as imported targets PkgConfig::NAME. Debian 12's versions are the floor.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(jsonc REQUIRED IMPORTED_TARGET json-c>=0.16)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2>=1.52)
pkg_check_modules(protobufc REQUIRED IMPORTED_TARGET libprotobuf-c>=1.4)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET libssl>=3.0 libcrypto>=3.0)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(lws REQUIRED IMPORTED_TARGET libwebsockets>=4.1)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(ncursesw REQUIRED IMPORTED_TARGET ncursesw>=6.4)
find_program(PROTOC_C protoc-c REQUIRED)
