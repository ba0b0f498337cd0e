#include "package_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define TEXT_MAX 4096u
#define TOLD_MAX (64u * 1024u)

const char *const ctl_item_status_names[] = {"ok", "partial", "denied", "absent", "error", NULL};

CD_PRINTF(2, 3)
static void problem(ctl_package_report *r, const char *fmt, ...)
{
  va_list args;
  if (r->problems++ >= CTL_PROBLEMS_TOLD)
    return;
  va_start(args, fmt);
  cd_buf_addv(&r->told, fmt, args);
  va_end(args);
  cd_buf_add_char(&r->told, '\n');
}

/* `sha256` is the bare hex of the digest. */
static bool is_digest(cd_str hex, const cd_digest *digest)
{
  cd_digest said;
  return cd_unhex(said.bytes, sizeof(said.bytes), hex) && cd_digest_equal(&said, digest);
}

static void compare(ctl_package *p, ctl_package_report *r, cd_str name, uint64_t bytes, cd_str hex)
{
  ctl_entry *e = ctl_package_find(p, name);
  if (e == NULL) {
    problem(r, "%.*s: it is missing", CD_STR_ARG(name));
    return;
  }
  if (e->told) {
    problem(r, "%.*s: the manifest has it twice", CD_STR_ARG(name));
    return;
  }
  e->told = true;
  if (e->bytes != bytes)
    problem(r, "%s: it has %llu bytes, the manifest says %llu", e->name,
            (unsigned long long)e->bytes, (unsigned long long)bytes);
  else if (!is_digest(hex, &e->digest))
    problem(r, "%s: its content is not what the manifest says", e->name);
  else
    r->whole++;
}

static void check_item(ctl_package *p, ctl_package_report *r, cd_json *items, size_t i)
{
  cd_json item = {0};
  cd_str name = {0};
  cd_str hex = {0};
  uint64_t bytes = 0;
  int status = 0;
  cd_json_at_obj(items, i, &item);
  cd_json_str(&item, "name", CD_ENTRY_NAME_MAX, &name);
  cd_json_u64(&item, "bytes", UINT64_MAX, &bytes);
  cd_json_str(&item, "sha256", 2 * CD_DIGEST_SIZE, &hex);
  cd_json_enum(&item, "status", ctl_item_status_names, &status);
  if (item.node == NULL)
    return;
  r->items[status]++;
  /* What could not be had has no file. */
  if (name.len > 0)
    compare(p, r, name, bytes, hex);
}

static void read_head(cd_json *root, ctl_package_report *r)
{
  cd_str format = {0};
  cd_json_str(root, "format", TEXT_MAX, &format);
  if (!cd_str_eq_cstr(format, "cordon-package/1"))
    cd_json_bad(root, "format", "must be cordon-package/1");
  (void)cd_json_opt_str(root, "device", TEXT_MAX, &r->device);
  (void)cd_json_opt_str(root, "action", TEXT_MAX, &r->action);
  (void)cd_json_opt_str(root, "profile", TEXT_MAX, &r->profile);
  (void)cd_json_opt_str(root, "started", TEXT_MAX, &r->started);
  (void)cd_json_opt_str(root, "ended", TEXT_MAX, &r->ended);
}

static void find_strangers(ctl_package *p, ctl_package_report *r)
{
  for (size_t i = 0; i < p->count; i++) {
    const ctl_entry *e = &p->entries[i];
    if (!e->told && strcmp(e->name, CTL_MANIFEST_NAME) != 0)
      problem(r, "%s: the manifest does not know it", e->name);
  }
}

cd_code ctl_package_check(ctl_package *p, ctl_package_report *ret_report, cd_err *err)
{
  cd_json items = {0};
  ctl_package_report *r = ret_report;
  *r = (ctl_package_report){.doc = NULL};
  cd_buf_init(&r->told, TOLD_MAX);
  if (!p->has_manifest)
    return cd_fail(err, CD_E_INVALID, "the package has no %s: it is no package, or not all of it",
                   CTL_MANIFEST_NAME);
  cd_code rc =
      cd_json_parse(cd_buf_view(&p->manifest), CTL_MANIFEST_MAX, CTL_MANIFEST_NAME, &r->doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(r->doc);
  read_head(&root, r);
  cd_json_arr(&root, "items", CTL_PACKAGE_ENTRIES_MAX, &items);
  for (size_t i = 0; i < cd_json_len(&items); i++)
    check_item(p, r, &items, i);
  rc = cd_json_status(&root, err);
  if (rc == CD_OK)
    find_strangers(p, r);
  return rc;
}

static void add_told(ctl_told *told, cd_json *items, size_t i, cd_err *err)
{
  cd_json item = {0};
  cd_str name = {0};
  cd_json_at_obj(items, i, &item);
  cd_json_str(&item, "name", CD_ENTRY_NAME_MAX, &name);
  cd_json_u64(&item, "bytes", UINT64_MAX, &told->bytes[i]);
  /* What no entry can be called has no file. */
  if (item.node != NULL && cd_entry_name_check(name, NULL) == CD_OK)
    (void)!ctl_names_add(&told->names, name, i, err);
}

cd_code ctl_told_read(const ctl_package *p, ctl_told *ret_told, cd_err *err)
{
  cd_json items = {0};
  cd_json_doc *doc = NULL;
  cd_err why = {0};
  *ret_told = (ctl_told){.manifest_bytes = p->manifest.len};
  cd_code rc =
      cd_json_parse(cd_buf_view(&p->manifest), CTL_MANIFEST_MAX, CTL_MANIFEST_NAME, &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_arr(&root, "items", CTL_PACKAGE_ENTRIES_MAX, &items);
  ret_told->bytes = calloc(cd_json_len(&items) + 1, sizeof(*ret_told->bytes));
  if (ret_told->bytes == NULL)
    rc = cd_fail(err, CD_E_INTERNAL, "no memory for the manifest of the package");
  for (size_t i = 0; i < cd_json_len(&items) && rc == CD_OK && why.code == CD_OK; i++)
    add_told(ret_told, &items, i, &why);
  if (rc == CD_OK)
    rc = cd_json_status(&root, err);
  if (rc == CD_OK && why.code != CD_OK)
    rc = cd_fail(err, why.code, "%s", why.text);
  cd_json_free(doc);
  return rc;
}

bool ctl_told_bytes(const ctl_told *told, cd_str name, uint64_t *ret_bytes)
{
  size_t i = ctl_names_find(&told->names, name);
  bool manifest = cd_str_eq_cstr(name, CTL_MANIFEST_NAME);
  if (manifest)
    *ret_bytes = told->manifest_bytes;
  else if (i != SIZE_MAX)
    *ret_bytes = told->bytes[i];
  return manifest || i != SIZE_MAX;
}

void ctl_told_release(ctl_told *told)
{
  ctl_names_release(&told->names);
  free(told->bytes);
  *told = (ctl_told){.bytes = NULL};
}

void ctl_package_report_release(ctl_package_report *r)
{
  cd_json_free(r->doc);
  cd_buf_release(&r->told);
  *r = (ctl_package_report){.doc = NULL};
}
