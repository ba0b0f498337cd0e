#include "fleet_fetch.h"

#include "fleet_read.h"
#include "fleet_wait.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

#define PIECE (4u * 1024u * 1024u)
#define LOST_MAX 5u /* pieces in a row that did not come */

typedef struct fetching {
  fleet_session *session;
  const char *id;
  const fleet_package *package;
  ctl_progress *progress;
  ctl_new_file *out;
  char path[FLEET_PATH_MAX]; /* of the link; empty: ask for one */
  uint64_t got;
  cd_hash *hash;
} fetching;

bool fleet_link_path(cd_str link, char *out, size_t size)
{
  const cd_str place = CD_STR("/api/cordon/packages/");
  size_t at = 0;
  while (at < link.len && !cd_str_starts((cd_str){link.ptr + at, link.len - at}, place))
    at++;
  if (!cd_str_starts(link, CD_STR("https://")) || at + place.len >= link.len)
    return false;
  for (size_t i = at + place.len; i < link.len; i++) {
    char c = link.ptr[i];
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
        c != '_' && c != '.')
      return false;
  }
  return cd_str_copy(out, size, (cd_str){link.ptr + at, link.len - at});
}

static void show(fetching *f, const char *what)
{
  char event[200];
  cd_err err = {0};
  (void)snprintf(event, sizeof(event),
                 "{\"event\":\"step\",\"step\":\"fetch\",\"done\":%llu,\"total\":%llu,\"what\":%s}",
                 (unsigned long long)f->got, (unsigned long long)f->package->bytes, what);
  (void)!ctl_progress_event(f->progress, cd_str_from(event), &err);
}

/* Only what behind the console's name the link leads to is taken, and asked of the console that we
 * have verified: it may be reached under other names than the one that it calls itself by. */
static cd_code take_link(fetching *f, cd_json_doc *doc, cd_err *err)
{
  cd_str link = {0};
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "value", FLEET_PATH_MAX, &link);
  cd_code rc = cd_json_status(&root, err);
  if (rc != CD_OK)
    return rc;
  if (!fleet_link_path(link, f->path, sizeof(f->path)))
    return cd_fail(err, CD_E_INVALID, "the console's link does not lead to a package");
  return CD_OK;
}

/* It is there once the device has sent all of it. */
static ctl_exit ask_for_link(fetching *f, cd_err *err)
{
  uint64_t interval_ms = 0;
  cd_buf path = CD_BUF_INIT(FLEET_PATH_MAX);
  ctl_exit code = CTL_EXIT_DONE;
  cd_buf_addf(&path, "/api/machineactions/%s/getPackageUri", f->id);
  for (;;) {
    cd_json_doc *doc = NULL;
    code = fleet_ask(f->session, &(fleet_call){.method = "GET", .path = cd_buf_cstr(&path)}, &doc,
                     err);
    if (code == CTL_EXIT_DONE && doc != NULL)
      code = take_link(f, doc, err) == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_UNREACHABLE;
    cd_json_free(doc);
    if (code == CTL_EXIT_DONE || err->code != CD_E_NOTFOUND)
      break;
    show(f, "\"on its way from the device\"");
    interval_ms = fleet_poll_ms(interval_ms);
    if (fleet_left_ms(f->session) == 0 || !fleet_wait_ms(f->session, interval_ms)) {
      const cd_err why = *err; /* the console's own words */
      (void)cd_fail(err, CD_E_DEADLINE,
                    "the console does not have the package yet; 'cordon collect --id %s -o FILE' "
                    "fetches it later: %s",
                    f->id, why.text);
      code = CTL_EXIT_WAITING;
      break;
    }
  }
  cd_buf_release(&path);
  return code;
}

ctl_exit fleet_fetch_elsewhere(const char *id, cd_err *err)
{
  const cd_err why = *err;
  (void)cd_fail_os(err, why.code, why.os_error,
                   "%.*s; the console keeps the package: 'cordon collect --id %s -o FILE' fetches "
                   "it",
                   (int)cd_str_utf8_cut(cd_str_from(why.text), 380), why.text, id);
  return CTL_EXIT_FAILED;
}

static cd_code take_piece(fetching *f, const fleet_answer *a, cd_err *err)
{
  if (a->body.len == 0 || a->body.len > f->package->bytes - f->got)
    return cd_fail(err, CD_E_INVALID, "the console sent another part than was asked for");
  cd_hash_add(f->hash, a->body.ptr, a->body.len);
  f->got += a->body.len;
  cd_code rc = ctl_new_file_add(f->out, a->body.ptr, a->body.len, err);
  if (rc != CD_OK)
    (void)fleet_fetch_elsewhere(f->id, err);
  return rc;
}

/* CTL_EXIT_WAITING: it did not come, and may come the next time. */
static ctl_exit fetch_piece(fetching *f, cd_err *err)
{
  fleet_answer answer = {.status = 0};
  ctl_exit code = CTL_EXIT_DONE;
  if (f->path[0] == '\0')
    code = ask_for_link(f, err);
  if (code != CTL_EXIT_DONE)
    return code;
  uint64_t left = f->package->bytes - f->got;
  code = fleet_part(f->session, f->path, f->got, left < PIECE ? left : PIECE, &answer, err);
  if (code == CTL_EXIT_DONE && answer.status == 206) {
    code = take_piece(f, &answer, err) == CD_OK ? CTL_EXIT_DONE : CTL_EXIT_FAILED;
  } else if (code == CTL_EXIT_DONE) {
    (void)cd_fail(err, CD_E_UNAVAILABLE, "the console answered with the status %ld", answer.status);
    f->path[0] = '\0';
    code = CTL_EXIT_WAITING;
  } else if (err->code == CD_E_UNAVAILABLE) {
    code = CTL_EXIT_WAITING;
  }
  cd_buf_release(&answer.body);
  return code;
}

static ctl_exit fetch_all(fetching *f, cd_err *err)
{
  unsigned lost = 0;
  while (f->got < f->package->bytes) {
    show(f, "null");
    ctl_exit code = fetch_piece(f, err);
    lost = code == CTL_EXIT_DONE ? 0 : lost + 1;
    if (code != CTL_EXIT_DONE && (code != CTL_EXIT_WAITING || lost > LOST_MAX))
      return code;
    if (code != CTL_EXIT_DONE && (err->code == CD_E_DEADLINE || fleet_left_ms(f->session) == 0 ||
                                  !fleet_wait_ms(f->session, fleet_poll_ms(0))))
      return CTL_EXIT_WAITING;
  }
  return CTL_EXIT_DONE;
}

ctl_exit fleet_fetch_later(fleet_session *s, const char *id, ctl_exit code, cd_err *err)
{
  const cd_err why = *err;
  bool later = code == CTL_EXIT_WAITING || fleet_interrupted(s);
  if (!later || strstr(why.text, "collect --id") != NULL)
    return code;
  (void)cd_fail(err, why.code, "%.*s; 'cordon collect --id %s -o FILE' fetches it later",
                (int)cd_str_utf8_cut(cd_str_from(why.text), 380), why.text, id);
  return CTL_EXIT_WAITING;
}

ctl_exit fleet_package_fetch(fleet_session *s, const char *id, const fleet_package *p,
                             ctl_progress *progress, ctl_new_file *out, cd_err *err)
{
  cd_digest digest;
  fetching f = {.session = s, .id = id, .package = p, .progress = progress, .out = out};
  if (cd_hash_new(&f.hash, err) != CD_OK)
    return CTL_EXIT_FAILED;
  fleet_watch_interrupts(s);
  ctl_exit code = fetch_all(&f, err);
  if (code == CTL_EXIT_DONE && cd_hash_end(f.hash, &digest, err) != CD_OK)
    code = CTL_EXIT_FAILED;
  if (code == CTL_EXIT_DONE && !cd_digest_equal(&digest, &p->digest)) {
    (void)cd_fail(err, CD_E_IO,
                  "what came is not what the device measured: the digests differ, and the file was "
                  "not written");
    code = CTL_EXIT_FAILED;
  }
  cd_hash_free(f.hash);
  return code != CTL_EXIT_DONE ? fleet_fetch_later(s, id, code, err) : code;
}
