/* Reads an investigation package, which may be anybody's file: names, kinds, counts and sizes are
 * checked before anything is made of them. Nothing is written here but what the caller's visitor
 * writes. */
#ifndef CTL_PACKAGE_READ_H
#define CTL_PACKAGE_READ_H

#include <archive.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/entry_name.h"
#include "base/status.h"
#include "package_names.h"
#include "protocol/digest.h"

#define CTL_PACKAGE_ENTRIES_MAX 20000u
#define CTL_PACKAGE_BYTES_MAX (UINT64_C(64) << 30) /* what unpacking may bring forth */
/* Deflate makes at most 1032 bytes of one; more is two entries in the same bytes. */
#define CTL_PACKAGE_RATIO_MAX 1100u
#define CTL_MANIFEST_NAME "manifest.json"
#define CTL_MANIFEST_MAX (16u * 1024u * 1024u)

typedef struct ctl_entry {
  char name[CD_ENTRY_NAME_MAX + 1];
  uint64_t bytes;
  cd_digest digest;
  bool told; /* for whoever compares with the manifest */
} ctl_entry;

typedef struct ctl_package {
  ctl_entry *entries; /* in the order of the file */
  size_t count;
  size_t room;
  ctl_names names; /* of the entries */
  uint64_t bytes;  /* of all of them */
  bool has_manifest;
  cd_buf manifest; /* its text */
} ctl_package;

/* What is done with each entry while it is read. Members may be NULL; a failing code ends it. */
typedef struct ctl_package_visitor {
  cd_code (*begin)(void *context, const char *name, cd_err *err);
  cd_code (*data)(void *context, const void *bytes, size_t len, cd_err *err);
  cd_code (*end)(void *context, cd_err *err);
  void *context;
} ctl_package_visitor;

/* A reader of zips, to be opened by the caller and given to ctl_package_read(); NULL: no memory. */
struct archive *ctl_package_archive(void);
/* Reads all of it. `size`: bytes of the zip. The caller releases *ret_package, also on failure. */
CD_MUST_USE cd_code ctl_package_read(struct archive *a, uint64_t size,
                                     const ctl_package_visitor *visitor, ctl_package *ret_package,
                                     cd_err *err);
/* The same of a file. */
CD_MUST_USE cd_code ctl_package_read_file(const char *path, const ctl_package_visitor *visitor,
                                          ctl_package *ret_package, cd_err *err);
/* Nothing but its manifest; CD_E_INVALID: there is none. */
CD_MUST_USE cd_code ctl_package_read_manifest(const char *path, ctl_package *ret_package,
                                              cd_err *err);
void ctl_package_release(ctl_package *p);
/* NULL if it is not there. */
ctl_entry *ctl_package_find(ctl_package *p, cd_str name);

/* All bytes of the file. */
CD_MUST_USE cd_code ctl_package_hash(const char *path, cd_hash *h, uint64_t *ret_size, cd_err *err);

#endif
