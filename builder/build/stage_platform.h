/*
 * The platform that a Dockerfile itself gives to a stage. A frontend takes it from the base image,
 * and for a stage that begins with scratch takes the target's instead: what such a stage runs is
 * then called by a platform that it need not have.
 */
#ifndef DEPOT_BUILDER_STAGE_PLATFORM_H
#define DEPOT_BUILDER_STAGE_PLATFORM_H

#include <depot/platform.h>

/*
 * The value of --platform of the FROM that the line (from 1) belongs to, or of the stage that it is
 * built on, as it is written: "linux/amd64", "$BUILDPLATFORM". False: there is none, or it does not
 * fit.
 */
bool stage_platform(const char *dockerfile, int line, char out[DEPOT_PLATFORM_MAX]);

#endif
