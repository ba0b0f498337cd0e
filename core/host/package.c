#include "package.h"

#include "press.h"
#include "zip.h"

#include "base/clock.h"
#include "base/entry_name.h"
#include "base/fault.h"
#include "base/json.h"
#include "platform/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define MIB (1024u * 1024u)
/* What ordinary artifacts leave to those that are marked as the last ones. */
#define RESERVE_MAX (8u * MIB)
#define RESERVE_PART 8u
#define ROOM_EVERY (4u * MIB)  /* set aside at once, where there is so much */
#define NAMES_TOLD 64u         /* of incomplete artifacts */
#define TOLD_MAX (64u * 1024u) /* bytes of PACKAGE */
#define MTIME_MAX INT64_C(4294967295)

struct ph_package {
  uv_file file;
  ph_press *press;
  ph_package_limits limits;
  uint64_t *names; /* an open hash table of cd_entry_name_hash(); 0 is free */
  size_t slots;    /* a power of two */
  uint64_t id;     /* of the artifact that is open or was last */
  bool open;
  bool last; /* the one that is open may use the reserve */
  char name[CD_ENTRY_NAME_MAX + 1];
  uint64_t written; /* of the one that is open */
  uint64_t content;
  uint64_t directory;
  uint64_t artifacts;
  uint64_t incomplete;
  uint64_t aside;  /* the file has room up to here */
  const char *cap; /* the first ceiling that was met */
  cd_err broken;   /* code CD_OK: it is not */
  cd_buf told;     /* names of incomplete artifacts, JSON strings with commas */
};

static cd_code make_table(ph_package *p, cd_err *err)
{
  size_t slots = 64;
  while (slots < p->limits.artifacts * 2)
    slots *= 2;
  p->names = calloc(slots, sizeof(*p->names));
  if (p->names == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for the names of a package");
  p->slots = slots;
  return CD_OK;
}

cd_code ph_package_new(uv_file file, const ph_package_limits *limits, ph_package **ret_package,
                       cd_err *err)
{
  ph_package *p = calloc(1, sizeof(*p));
  if (p == NULL) {
    pf_number_close(file);
    return cd_fail(err, CD_E_INTERNAL, "no memory for a package");
  }
  p->file = file;
  p->limits = *limits;
  if (p->limits.artifacts > PH_ARTIFACTS_MAX)
    p->limits.artifacts = PH_ARTIFACTS_MAX;
  p->directory = ph_zip_directory(0);
  cd_buf_init(&p->told, TOLD_MAX / 2);
  cd_code rc = make_table(p, err);
  if (rc == CD_OK)
    rc = ph_press_new(file, &p->press, err);
  if (rc != CD_OK) {
    ph_package_free(p);
    return rc;
  }
  *ret_package = p;
  return CD_OK;
}

void ph_package_free(ph_package *p)
{
  if (p == NULL)
    return;
  ph_press_free(p->press);
  pf_number_close(p->file);
  cd_buf_release(&p->told);
  free(p->names);
  free(p);
}

/* ---- ceilings ---- */

static cd_code full(ph_package *p, const char *cap, cd_err *err)
{
  if (p->cap == NULL)
    p->cap = cap;
  return cd_fail(err, CD_E_LIMIT, "the package has met its ceiling of %s", cap);
}

/* The first failure of the file stays: nothing is written after it. */
static cd_code broke(ph_package *p, const cd_err *why, cd_err *err)
{
  if (p->broken.code == CD_OK)
    p->broken = *why;
  return cd_fail_os(err, CD_E_IO, p->broken.os_error, "%s", p->broken.text);
}

static uint64_t reserve_of(const ph_package *p)
{
  uint64_t part = p->limits.package / RESERVE_PART;
  return part < RESERVE_MAX ? part : RESERVE_MAX;
}

/* CD_E_LIMIT where there is not so much beyond what the file system keeps. Where none can be set
 * aside it is looked at, no more: then a full disk still breaks the package. */
static cd_code set_aside(ph_package *p, uint64_t more, cd_err *err)
{
  uint64_t room = 0;
  cd_code rc = pf_file_room(uv_get_osfhandle(p->file), &room, err);
  if (rc != CD_OK)
    return rc == CD_E_LIMIT ? CD_E_IO : rc;
  if (room < p->limits.free + more ||
      pf_file_reserve(uv_get_osfhandle(p->file), p->aside, more, err) == CD_E_LIMIT)
    return CD_E_LIMIT;
  p->aside += more;
  return CD_OK;
}

/* Before an ordinary artifact gets any, the last ones have theirs: a disk that is full, or that
 * somebody else fills, ends it and not the package. */
static cd_code check_room(ph_package *p, uint64_t bound, bool last, cd_err *err)
{
  uint64_t end = ph_press_size(p->press) + p->directory + bound + reserve_of(p);
  cd_err why = {0};
  if (last || end <= p->aside)
    return CD_OK;
  cd_code rc = set_aside(p, end - p->aside + ROOM_EVERY, &why);
  if (rc == CD_E_LIMIT)
    rc = set_aside(p, end - p->aside, &why);
  if (rc == CD_E_LIMIT)
    return full(p, "free space", err);
  return rc == CD_OK ? CD_OK : broke(p, &why, err);
}

/* What was set aside and not needed. Where that fails it stays with the file, which is removed. */
static void give_back(const ph_package *p)
{
  uv_fs_t req;
  (void)uv_fs_ftruncate(NULL, &req, p->file, (int64_t)ph_press_size(p->press), NULL);
  uv_fs_req_cleanup(&req);
}

static cd_code check_size_now(ph_package *p, uint64_t len, uint64_t around, bool last, cd_err *err)
{
  uint64_t bound = ph_zip_bound(len) + around;
  uint64_t kept = last ? 0 : reserve_of(p);
  if (ph_press_size(p->press) + p->directory + bound + kept > p->limits.package)
    return full(p, "bytes", err);
  if (p->content + len > p->limits.content && !last)
    return full(p, "content", err);
  return check_room(p, bound, last, err);
}

/* Whether `len` bytes more of content, and `around` bytes of the zip's own, may come. What is not
 * compressed yet counts as if it could not be: before it is refused, it is waited for. */
static cd_code check_size(ph_package *p, uint64_t len, uint64_t around, bool last, cd_err *err)
{
  const char *cap = p->cap;
  cd_code rc = check_size_now(p, len, around, last, err);
  if (rc != CD_E_LIMIT || !ph_press_settle(p->press))
    return rc;
  p->cap = cap;
  return check_size_now(p, len, around, last, err);
}

/* ---- names ---- */

/* The place of the hash, or the free one where it belongs: there is always one, since the table is
 * never more than half full. */
static uint64_t *place_of(ph_package *p, uint64_t hash)
{
  size_t i = (size_t)hash & (p->slots - 1);
  while (p->names[i] != 0 && p->names[i] != hash)
    i = (i + 1) & (p->slots - 1);
  return &p->names[i];
}

typedef struct meta {
  int64_t mtime_s;
  bool store;
  bool last;
} meta;

static cd_code read_meta(cd_str text, meta *m, cd_err *err)
{
  cd_json_doc *doc = NULL;
  *m = (meta){.mtime_s = cd_wall_ms() / 1000};
  if (text.len == 0)
    return CD_OK;
  cd_code rc = cd_json_parse(text, PH_META_MAX, "the artifact's meta", &doc, err);
  if (rc != CD_OK)
    return rc == CD_E_LIMIT ? CD_E_INVALID : rc;
  cd_json root = cd_json_root(doc);
  (void)cd_json_opt_i64(&root, "mtime", 0, MTIME_MAX, &m->mtime_s);
  (void)cd_json_opt_bool(&root, "store", &m->store);
  (void)cd_json_opt_bool(&root, "last", &m->last);
  /* What a newer plugin says besides is not for this host. */
  rc = cd_json_status(&root, err);
  cd_json_free(doc);
  return rc;
}

static cd_code check_name(ph_package *p, cd_str name, uint64_t **ret_place, cd_err *err)
{
  cd_code rc = cd_entry_name_check(name, err);
  if (rc != CD_OK)
    return CD_E_INVALID;
  if (p->open)
    return cd_fail(err, CD_E_CONFLICT, "another artifact is open");
  *ret_place = place_of(p, cd_entry_name_hash(name));
  if (**ret_place != 0)
    return cd_fail(err, CD_E_CONFLICT, "an artifact of that name was given before");
  return CD_OK;
}

/* ---- the four calls ---- */

static cd_code begin(ph_package *p, cd_str name, const meta *m, cd_err *err)
{
  cd_err why = {0};
  (void)cd_str_copy(p->name, sizeof(p->name), name);
  if (ph_press_begin(p->press, p->name, m->mtime_s, m->store, &why) != CD_OK)
    return broke(p, &why, err);
  p->directory += ph_zip_directory(name.len);
  p->open = true;
  p->last = m->last;
  p->written = 0;
  p->artifacts++;
  p->id++;
  return CD_OK;
}

cd_code ph_package_open(ph_package *p, cd_str name, cd_str text, uint64_t *ret_id, cd_err *err)
{
  meta m = {0};
  uint64_t *place = NULL;
  cd_code rc = read_meta(text, &m, err);
  if (rc == CD_OK)
    rc = check_name(p, name, &place, err);
  if (rc != CD_OK)
    return rc;
  if (p->broken.code != CD_OK)
    return broke(p, &p->broken, err);
  if (p->artifacts + (m.last ? 0 : 2) >= p->limits.artifacts)
    return full(p, "artifacts", err);
  /* In front of the content, and in the directory. */
  rc = check_size(p, 0, 2 * ph_zip_directory(name.len), m.last, err);
  if (rc == CD_OK)
    rc = begin(p, name, &m, err);
  if (rc != CD_OK)
    return rc;
  *place = cd_entry_name_hash(name);
  *ret_id = p->id;
  return CD_OK;
}

cd_code ph_package_write(ph_package *p, uint64_t id, const void *bytes, size_t len, cd_err *err)
{
  cd_err why = {0};
  if (!p->open || id != p->id)
    return cd_fail(err, CD_E_INVALID, "artifact %llu is not open", (unsigned long long)id);
  if (p->broken.code != CD_OK)
    return broke(p, &p->broken, err);
  if (!p->last && (len > p->limits.artifact || p->written + len > p->limits.artifact))
    return cd_fail(err, CD_E_LIMIT, "the artifact has met its ceiling of %llu bytes",
                   (unsigned long long)p->limits.artifact);
  cd_code rc = check_size(p, len, 0, p->last, err);
  if (rc != CD_OK)
    return rc;
  CD_FAULT_POINT("collect.artifact_write");
  if (ph_press_add(p->press, bytes, len, &why) != CD_OK)
    return broke(p, &why, err);
  p->written += len;
  p->content += len;
  return CD_OK;
}

/* The first ones by name, the others by their number. */
static void tell_incomplete(ph_package *p)
{
  cd_jw w;
  if (p->incomplete++ >= NAMES_TOLD)
    return;
  if (p->told.len > 0)
    cd_buf_add_char(&p->told, ',');
  cd_jw_init(&w, &p->told);
  cd_jw_cstr(&w, NULL, p->name);
}

cd_code ph_package_close(ph_package *p, uint64_t id, bool complete, cd_err *err)
{
  cd_err why = {0};
  if (!p->open || id != p->id)
    return cd_fail(err, CD_E_INVALID, "artifact %llu is not open", (unsigned long long)id);
  p->open = false;
  if (!complete)
    tell_incomplete(p);
  if (p->broken.code != CD_OK)
    return broke(p, &p->broken, err);
  if (ph_press_end(p->press, &why) != CD_OK)
    return broke(p, &why, err);
  return CD_OK;
}

static cd_code write_report(const ph_package *p, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_buf names = CD_BUF_INIT(TOLD_MAX);
  cd_buf_addf(&names, "[%s]", cd_buf_cstr(&p->told));
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "status", cd_code_name(p->broken.code));
  cd_jw_cstr(&w, "sentence", p->broken.code != CD_OK ? p->broken.text : NULL);
  cd_jw_u64(&w, "bytes", ph_press_size(p->press));
  cd_jw_u64(&w, "content_bytes", p->content);
  cd_jw_u64(&w, "artifacts", p->artifacts);
  cd_jw_u64(&w, "incomplete", p->incomplete);
  cd_jw_raw(&w, "incomplete_names", cd_buf_view(&names));
  cd_jw_cstr(&w, "cap", p->cap);
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "PACKAGE", err);
  cd_buf_release(&names);
  return rc;
}

cd_code ph_package_end(ph_package *p, cd_buf *out, cd_err *err)
{
  cd_err why = {0};
  if (p->open)
    (void)!ph_package_close(p, p->id, false, &why);
  CD_FAULT_POINT("collect.package_end");
  why = (cd_err){0};
  if (p->broken.code == CD_OK && ph_press_finish(p->press, &why) != CD_OK)
    p->broken = why;
  give_back(p);
  pf_number_close(p->file);
  p->file = -1;
  return write_report(p, out, err);
}
