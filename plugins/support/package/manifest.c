/* manifest.json: what is in the package and how it came there. Written piece by piece, since a
 * package may hold thousands of files. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "package/private.h"
#include "support/json.h"

static void put_pair(col_task *t, const char *before, const char *name, const char *text)
{
  cJSON *value = cJSON_CreateObject();
  sup_json_add_text(value, "v", text);
  char *printed = cJSON_PrintUnformatted(sup_json_get(value, "v"));
  (void)col_printf(t, "%s\"%s\":", before, name);
  (void)col_puts(t, printed != NULL ? printed : "null");
  cJSON_free(printed);
  cJSON_Delete(value);
}

static void put_record(col_task *t, const col_record *r)
{
  char start[40];
  col_utc(r->start_ms / 1000, (uint32_t)(r->start_ms % 1000), true, start);
  put_pair(t, "{", "name", r->name != NULL ? r->name : "");
  put_pair(t, ",", "folder", r->folder);
  put_pair(t, ",", "item", r->item != NULL ? r->item : "");
  put_pair(t, ",", "source", r->source != NULL ? r->source : "");
  put_pair(t, ",", "start", start);
  (void)col_printf(t, ",\"ms\":%u,\"bytes\":%llu", (unsigned)r->ms, (unsigned long long)r->bytes);
  put_pair(t, ",", "sha256", r->sha256);
  put_pair(t, ",", "status", col_status_name(r->status));
  put_pair(t, ",", "error", r->error);
  put_pair(t, ",", "cap", r->cap);
  (void)col_puts(t, "}");
}

void col_write_manifest(col_task *t)
{
  const col_package *p = t->p;
  char started[40];
  char ended[40];
  int64_t now = col_wall_ms();
  col_utc(p->started_ms / 1000, (uint32_t)(p->started_ms % 1000), true, started);
  col_utc(now / 1000, (uint32_t)(now % 1000), true, ended);
  col_begin(t, "manifest.json", "this collection");
  put_pair(t, "{", "format", "cordon-package/1");
  put_pair(t, ",", "device", p->o.device);
  if (p->o.action != NULL)
    put_pair(t, ",", "action", p->o.action);
  put_pair(t, ",", "profile", col_profile(&p->o));
  if (p->o.list_name != NULL) {
    put_pair(t, ",", "list", p->o.list_name);
    (void)col_printf(t, ",\"list_version\":%llu", (unsigned long long)p->o.list_version);
  }
  put_pair(t, ",", "started", started);
  put_pair(t, ",", "ended", ended);
  if (p->left_out > 0)
    (void)col_printf(t, ",\"left_out\":%zu", p->left_out);
  (void)col_puts(t, ",\"items\":[\n");
  for (size_t i = 0; i < p->count; i++) {
    if (i > 0)
      (void)col_puts(t, ",\n");
    put_record(t, &p->records[i]);
  }
  (void)col_puts(t, "\n]}\n");
}
