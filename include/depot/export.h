/*
 * What libdepot shows of itself. It is compiled with everything hidden; what stands between
 * DEPOT_API_BEGIN and DEPOT_API_END is not. Only headers that are installed have them:
 * cmake/DepotLibrary.cmake lists these, scripts/check-api holds them to it.
 */
#ifndef DEPOT_EXPORT_H
#define DEPOT_EXPORT_H

/* clang-format off */
#ifdef __cplusplus
#define DEPOT_API_BEGIN _Pragma("GCC visibility push(default)") extern "C" {
#define DEPOT_API_END   } _Pragma("GCC visibility pop")
#else
#define DEPOT_API_BEGIN _Pragma("GCC visibility push(default)")
#define DEPOT_API_END   _Pragma("GCC visibility pop")
#endif
/* clang-format on */

#endif
