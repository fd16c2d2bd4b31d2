/*
 * Media types of manifests.
 */
#ifndef DEPOT_CORE_REGISTRY_MEDIA_H
#define DEPOT_CORE_REGISTRY_MEDIA_H

extern const char dp_media_oci_index[], dp_media_oci_manifest[];
extern const char dp_media_docker_list[], dp_media_docker_manifest[];

#endif
