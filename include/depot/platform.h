/*
 * Names of platforms, one table for client and daemon: containerd's rules, and beyond them the
 * names that uname(2) and Debian have for the same machines. Knows nothing of builders.
 *
 * A platform is "os/arch", "os/arch/variant", an operating system or an architecture alone; the
 * operating system may have a version and features in parentheses, "windows(10.0.17763)/amd64".
 */
#ifndef DEPOT_PLATFORM_H
#define DEPOT_PLATFORM_H

#include <depot/base.h>

enum { DEPOT_PLATFORM_MAX = 128 }; /* bytes of a name in normal form, with its NUL */

/*
 * The normal form of a name into `out`: lower case, the architecture by its Go name, without the
 * variant that is the default (arm64/v8, amd64/v1) and with the one that is needed (arm/v7).
 * An architecture alone means Linux, an operating system alone the architecture of this machine.
 * Architectures and systems that no table has are kept: a cross compiler may know them.
 * DEPOT_ERR_INVALID: it is not a name; the hint tells the form.
 */
int depot_platform_parse(
    const char *s, char out[DEPOT_PLATFORM_MAX], struct depot_error *err) DEPOT_MUST_CHECK;
/*
 * Can what makes `made` make `wanted` too? Both in normal form. So when they are equal but for the
 * version of the system, and when `wanted` is a lower level of the same architecture (amd64/v3 and
 * amd64/v2, arm/v7 and arm/v6). 386 of amd64 and arm of arm64 are not: some machines cannot, and
 * engines list them where they can.
 */
bool depot_platform_covers(const char *made, const char *wanted);
/* Does a machine that runs `native` run `platform` without emulation? Both in normal form. An amd64
 * machine counts as running all levels; whether it has one is what its engine lists. */
bool depot_platform_runs_on(const char *platform, const char *native);
/* Is the name of `n` bytes one of a list with commas? As they are written. */
bool depot_platform_among(const char *list, const char *platform, size_t n);
/* The platform of the machine this program runs on, as the kernel tells it. */
void depot_platform_host(char out[DEPOT_PLATFORM_MAX]);

#endif
