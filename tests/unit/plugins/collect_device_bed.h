/* A device that is a folder of the test's own, and the package that is made of it. */
#ifndef COLLECT_DEVICE_BED_H
#define COLLECT_DEVICE_BED_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "collect.h"
#include "collect_bed.h"

extern bed_folder bed_to;
extern char bed_root[64];
extern bool bed_cancel; /* true: the collection is cancelled */

void bed_setup(void);
void bed_teardown(void);

col_options bed_options(void);
/* A file of the package, which the test frees. */
char *bed_package_file(const char *name);
cJSON *bed_manifest(void);
/* The n-th item of the manifest. */
const char *bed_item_text(const cJSON *doc, int n, const char *name);
/* How many threads this process has. */
unsigned bed_threads(void);
/* Mounts a file system whose program never answers. False: it cannot be had here. */
bool bed_mount_silent(const char *path);

/* Files of the device; `path` is below its root. */
void bed_make_bytes(const char *path, const void *bytes, size_t len);
void bed_make(const char *path, const char *text);
void bed_make_link(const char *target, const char *path);
void bed_make_folder(const char *path, mode_t mode);

#endif
