#include "package_names.h"

#include <stdlib.h>
#include <uv.h>

#include "base/entry_name.h"
#include "package_read.h"

#include "base/banned.h"

/* Room for each entry and the folders above it; a power of two, so that a hash is cut to it. */
#define SLOT_BITS 18
#define SLOTS ((size_t)1 << SLOT_BITS)
#define NAMES_MAX (CTL_PACKAGE_ENTRIES_MAX * CD_ENTRY_DEPTH_MAX)

struct ctl_name {
  uint64_t hash; /* cd_entry_name_hash(); 0: the slot is free */
  uint32_t entry;
  bool folder;
};

_Static_assert(NAMES_MAX < SLOTS - SLOTS / 4, "the table is never near to full");

/* The slot of that hash, or the free one where it belongs. */
static struct ctl_name *slot_of(const ctl_names *n, uint64_t hash)
{
  size_t i = (size_t)((hash * n->factor) >> (64 - SLOT_BITS));
  while (n->slots[i].hash != 0 && n->slots[i].hash != hash)
    i = (i + 1) & (SLOTS - 1);
  return &n->slots[i];
}

/* The length of the next folder above `name` that is longer than `len`; 0: there is none. */
static size_t folder_after(cd_str name, size_t len)
{
  for (size_t i = len + 1; i < name.len; i++) {
    if (name.ptr[i] == '/')
      return i;
  }
  return 0;
}

ctl_name_clash ctl_names_clash(const ctl_names *n, cd_str name, size_t *ret_entry)
{
  if (n->slots == NULL)
    return CTL_NAME_FREE;
  const struct ctl_name *own = slot_of(n, cd_entry_name_hash(name));
  *ret_entry = own->entry;
  if (own->hash != 0)
    return own->folder ? CTL_NAME_BOTH_KINDS : CTL_NAME_TWICE;
  for (size_t len = folder_after(name, 0); len > 0; len = folder_after(name, len)) {
    const struct ctl_name *above = slot_of(n, cd_entry_name_hash((cd_str){name.ptr, len}));
    *ret_entry = above->entry;
    if (above->hash != 0 && !above->folder)
      return CTL_NAME_BOTH_KINDS;
  }
  return CTL_NAME_FREE;
}

static cd_code put(ctl_names *n, cd_str name, size_t entry, bool folder, cd_err *err)
{
  uint64_t hash = cd_entry_name_hash(name);
  struct ctl_name *slot = slot_of(n, hash);
  if (slot->hash != 0)
    return CD_OK;
  if (n->count >= NAMES_MAX)
    return cd_fail(err, CD_E_LIMIT, "the package has more than %u files and folders", NAMES_MAX);
  *slot = (struct ctl_name){.hash = hash, .entry = (uint32_t)entry, .folder = folder};
  n->count++;
  return CD_OK;
}

static cd_code make_slots(ctl_names *n, cd_err *err)
{
  int status = uv_random(NULL, NULL, &n->factor, sizeof(n->factor), 0, NULL);
  if (status != 0)
    return cd_fail_os(err, CD_E_INTERNAL, -(int64_t)status,
                      "the system gives no random numbers: %s", uv_strerror(status));
  n->factor |= 1;
  n->slots = calloc(SLOTS, sizeof(*n->slots));
  if (n->slots == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the names of the package");
  return CD_OK;
}

cd_code ctl_names_add(ctl_names *n, cd_str name, size_t entry, cd_err *err)
{
  cd_code rc = n->slots != NULL ? CD_OK : make_slots(n, err);
  if (rc == CD_OK)
    rc = put(n, name, entry, false, err);
  for (size_t len = folder_after(name, 0); len > 0 && rc == CD_OK; len = folder_after(name, len))
    rc = put(n, (cd_str){name.ptr, len}, entry, true, err);
  return rc;
}

size_t ctl_names_find(const ctl_names *n, cd_str name)
{
  const struct ctl_name *slot = n->slots != NULL ? slot_of(n, cd_entry_name_hash(name)) : NULL;
  return slot != NULL && slot->hash != 0 && !slot->folder ? slot->entry : SIZE_MAX;
}

void ctl_names_release(ctl_names *n)
{
  free(n->slots);
  *n = (ctl_names){0};
}
