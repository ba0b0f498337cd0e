/* What is known of a container, as JSON beside its bytes: the form of the plugin for Linux, but for
 * what a file is besides its bytes. It holds the key: whoever can read both has the file. The point
 * is that the bytes at rest neither run nor look like what they are. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json.h"

enum { VERSION = 1 };

static const char *const states[] = {
    [REM_SEALED] = "sealed",
    [REM_KEPT] = "kept",
    [REM_RESTORING] = "restoring",
    [REM_RESTORED] = "restored",
};

static bool take_state(const cJSON *doc, rem_state *ret_state)
{
  const cJSON *v = sup_json_get(doc, "state");
  for (int i = REM_SEALED; cJSON_IsString(v) && i <= REM_RESTORED; i++) {
    if (strcmp(v->valuestring, states[i]) == 0) {
      *ret_state = (rem_state)i;
      return true;
    }
  }
  return false;
}

static bool take_id(const cJSON *doc, const char *name, char ret_id[REM_ID])
{
  const cJSON *v = sup_json_get(doc, name);
  if (!cJSON_IsString(v) || !rem_is_name(v->valuestring, REM_ID - 1))
    return false;
  memcpy(ret_id, v->valuestring, strlen(v->valuestring) + 1);
  return true;
}

static bool take_hex(const cJSON *doc, const char *name, void *ret, size_t len)
{
  const cJSON *v = sup_json_get(doc, name);
  return cJSON_IsString(v) && rem_unhex(v->valuestring, ret, len);
}

static bool take_digest(const cJSON *doc, const char *name, char *ret_text, size_t len)
{
  uint8_t bytes[32];
  if (!take_hex(doc, name, bytes, len))
    return false;
  (void)snprintf(ret_text, 2 * len + 1, "%s", sup_json_get(doc, name)->valuestring);
  return true;
}

static bool take_rest(const cJSON *doc, rem_meta *m)
{
  return take_id(doc, "id", m->id) && take_id(doc, "action", m->action) &&
         take_state(doc, &m->state) && take_hex(doc, "key", m->key, sizeof(m->key)) &&
         take_hex(doc, "nonce", m->nonce, sizeof(m->nonce)) &&
         take_digest(doc, "sha256", m->sha256, 32) && take_digest(doc, "sha1", m->sha1, 20) &&
         rem_number(doc, "sealed_ms", &m->sealed_ms) &&
         rem_number(doc, "restored_ms", &m->restored_ms) &&
         rem_number(doc, "restored_volume", &m->restored.volume) &&
         rem_number(doc, "restored_index", &m->restored.index) &&
         rem_attrs_parse(sup_json_get(doc, "file"), &m->attrs);
}

cordon_status rem_meta_parse(const char *text, size_t len, rem_meta *ret_meta, sup_err *err)
{
  uint64_t version = 0;
  const cJSON *path = NULL;
  cJSON *doc = sup_json_parse(text, len, err);
  if (doc == NULL)
    return err->status;
  *ret_meta = (rem_meta){0};
  cordon_status status = CORDON_OK;
  if (!rem_number(doc, "container", &version))
    status = sup_fail(err, CORDON_E_IO, "it is no description of a container");
  else if (version != VERSION)
    status = sup_fail(err, CORDON_E_UNSUPPORTED,
                      "the container has version %llu, and this version of the plugin knows %d: a "
                      "newer Cordon made it",
                      (unsigned long long)version, VERSION);
  else if (!cJSON_IsString(path = sup_json_get(doc, "path")) ||
           strlen(path->valuestring) >= sizeof(ret_meta->path) || !take_rest(doc, ret_meta))
    status = sup_fail(err, CORDON_E_IO, "the description of the container is damaged");
  else
    (void)snprintf(ret_meta->path, sizeof(ret_meta->path), "%s", path->valuestring);
  if (status != CORDON_OK)
    rem_meta_release(ret_meta);
  cJSON_Delete(doc);
  return status;
}

static void put_hex(cJSON *doc, const char *name, const uint8_t *bytes, size_t len)
{
  char *text = rem_hex(bytes, len);
  (void)cJSON_AddStringToObject(doc, name, text != NULL ? text : "");
  if (text != NULL)
    SecureZeroMemory(text, strlen(text));
  free(text);
}

char *rem_meta_write(const rem_meta *m)
{
  cJSON *doc = cJSON_CreateObject();
  (void)cJSON_AddNumberToObject(doc, "container", VERSION);
  (void)cJSON_AddStringToObject(doc, "id", m->id);
  (void)cJSON_AddStringToObject(doc, "action", m->action);
  (void)cJSON_AddStringToObject(doc, "state", states[m->state]);
  (void)cJSON_AddStringToObject(doc, "path", m->path);
  put_hex(doc, "key", m->key, sizeof(m->key));
  put_hex(doc, "nonce", m->nonce, sizeof(m->nonce));
  (void)cJSON_AddStringToObject(doc, "sha256", m->sha256);
  (void)cJSON_AddStringToObject(doc, "sha1", m->sha1);
  (void)cJSON_AddNumberToObject(doc, "sealed_ms", (double)m->sealed_ms);
  (void)cJSON_AddNumberToObject(doc, "restored_ms", (double)m->restored_ms);
  rem_u64_put(doc, "restored_volume", m->restored.volume);
  rem_u64_put(doc, "restored_index", m->restored.index);
  rem_attrs_write(&m->attrs, cJSON_AddObjectToObject(doc, "file"));
  char *text = cJSON_PrintUnformatted(doc);
  cJSON_Delete(doc);
  return text;
}

bool rem_meta_equal(const rem_meta *a, const rem_meta *b)
{
  return strcmp(a->id, b->id) == 0 && strcmp(a->action, b->action) == 0 &&
         strcmp(a->path, b->path) == 0 && a->state == b->state &&
         memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
         memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0 && strcmp(a->sha256, b->sha256) == 0 &&
         strcmp(a->sha1, b->sha1) == 0 && a->sealed_ms == b->sealed_ms &&
         a->restored_ms == b->restored_ms && rem_same_file(&a->restored, &b->restored) &&
         rem_attrs_equal(&a->attrs, &b->attrs);
}

void rem_meta_release(rem_meta *m)
{
  rem_attrs_release(&m->attrs);
  SecureZeroMemory(m->key, sizeof(m->key));
}
