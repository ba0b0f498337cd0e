#include "enrolment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "action.h"
#include "base/fault.h"
#include "base/json.h"
#include "base/limits.h"
#include "platform/file.h"
#include "platform/seal.h"
#include "protocol/base64.h"
#include "protocol/secret.h"

#include "base/banned.h"

static int fill(void *context, unsigned char *bytes, size_t len)
{
  (void)context;
  return uv_random(NULL, NULL, bytes, len, 0, NULL);
}

const cd_random agent_random = {.fill = fill};

agent_enrolment *agent_enrolment_new(void)
{
  return calloc(1, sizeof(agent_enrolment));
}

void agent_enrolment_free(agent_enrolment *e)
{
  if (e == NULL)
    return;
  if (e->tls_key != NULL)
    cd_wipe(e->tls_key, strlen(e->tls_key));
  free(e->ca);
  free(e->certificate);
  free(e->tls_key);
  free(e->statement);
  free(e->order_key);
  cd_key_free(e->device_key);
  free(e);
}

/* ---- the file ---- */

static cd_code path_of(const char *state_dir, const char *name, char out[CD_PATH_MAX], cd_err *err)
{
  if (snprintf(out, CD_PATH_MAX, "%s/%s", state_dir, name) >= (int)CD_PATH_MAX)
    return cd_fail(err, CD_E_LIMIT, "the path of the state folder '%s' is too long", state_dir);
  return CD_OK;
}

cd_code agent_enrolment_write(const agent_enrolment *e, cd_buf *out, cd_err *err)
{
  cd_jw w;
  uint8_t der[CD_KEY_DER_SIZE];
  char root[CD_BASE64URL_LEN(CD_KEY_DER_SIZE) + 1];
  cd_public_key_to_der(&e->root, der);
  cd_base64url_text(root, der, sizeof(der));
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_u64(&w, "version", 1);
  cd_jw_cstr(&w, "device", e->device);
  cd_jw_i64(&w, "enrolled", e->enrolled_ms);
  cd_jw_cstr(&w, "root", root);
  cd_jw_cstr(&w, "ca", e->ca);
  cd_jw_cstr(&w, "certificate", e->certificate);
  cd_jw_cstr(&w, "tls_key", e->tls_key);
  cd_jw_cstr(&w, "statement", e->statement);
  cd_jw_cstr(&w, "order_key", e->order_key);
  cd_jw_arr(&w, "agents");
  for (unsigned i = 0; i < e->agent_count; i++)
    cd_jw_cstr(&w, NULL, e->agents[i]);
  cd_jw_end_arr(&w);
  cd_jw_end_obj(&w);
  return cd_jw_done(&w, "the enrolment", err);
}

static void read_text(cd_json *root, const char *key, size_t max, char **out)
{
  cd_str text = {0};
  cd_json_str(root, key, max, &text);
  if (text.ptr != NULL && (text.len == 0 || !agent_text_set(out, text)))
    cd_json_bad(root, key, "is empty, or there is no memory for it");
}

static void read_root(cd_json *root, agent_enrolment *e)
{
  cd_err why = {0};
  cd_str text = {0};
  uint8_t der[CD_KEY_DER_SIZE];
  size_t len = 0;
  cd_json_str(root, "root", CD_BASE64URL_LEN(CD_KEY_DER_SIZE), &text);
  if (text.ptr == NULL)
    return;
  if (!cd_base64url_decode(text, der, sizeof(der), &len) ||
      cd_public_key_from_der((cd_str){(const char *)der, len}, &e->root, &why) != CD_OK)
    cd_json_bad(root, "root", "is no public key on P-256 in base64url");
  else
    cd_public_key_id(&e->root, e->root_id);
}

static void read_agents(cd_json *root, agent_enrolment *e)
{
  cd_json list = {0};
  cd_json_arr(root, "agents", CD_CONSOLES_MAX, &list);
  e->agent_count = (unsigned)cd_json_len(&list);
  for (unsigned i = 0; i < e->agent_count; i++) {
    cd_str text = {0};
    char host[CD_HTTP_HOST_MAX + 1];
    uint16_t port = 0;
    cd_err why = {0};
    cd_json_at_str(&list, i, CD_ENDPOINT_MAX, &text);
    if (text.ptr != NULL && cd_endpoint_parse(text, host, &port, &why) != CD_OK)
      cd_json_bad(root, "agents", "%s", why.text);
    (void)cd_str_copy(e->agents[i], sizeof(e->agents[i]), text);
  }
}

cd_code agent_enrolment_read(cd_str text, agent_enrolment *e, cd_err *err)
{
  cd_json_doc *doc = NULL;
  uint64_t version = 0;
  cd_str device = {0};
  cd_code rc = cd_json_parse(text, AGENT_ENROLMENT_MAX, "the enrolment", &doc, err);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json_u64(&root, "version", 1, &version);
  cd_json_str(&root, "device", CD_DEVICE_ID_MAX, &device);
  if (device.ptr != NULL && !cd_device_id_valid(device))
    cd_json_bad(&root, "device", "is not the id of a device");
  (void)cd_str_copy(e->device, sizeof(e->device), device);
  cd_json_i64(&root, "enrolled", 0, CD_WALL_MS_MAX, &e->enrolled_ms);
  read_root(&root, e);
  read_text(&root, "ca", CD_CERTIFICATE_MAX, &e->ca);
  read_text(&root, "certificate", CD_CERTIFICATE_MAX, &e->certificate);
  read_text(&root, "tls_key", CD_KEY_PEM_MAX, &e->tls_key);
  read_text(&root, "statement", cd_jws_max(&cd_jws_statement), &e->statement);
  read_text(&root, "order_key", cd_jws_max(&cd_jws_statement), &e->order_key);
  read_agents(&root, e);
  rc = cd_json_done(&root, err);
  cd_json_free(doc);
  return rc;
}

/* Reads a file of ours; CD_E_NOTFOUND if it is not there. */
static cd_code read_private(const char *path, size_t max, cd_buf *out, cd_err *err)
{
  uv_os_fd_t file;
  cd_buf sealed = CD_BUF_INIT(max + PF_SEAL_MORE);
  cd_code rc = pf_file_open_trusted(path, &file, err);
  if (rc != CD_OK)
    return rc;
  rc = pf_file_read_open(file, path, max + PF_SEAL_MORE, &sealed, err);
  pf_file_close(file);
  if (rc == CD_OK)
    rc = pf_unseal(cd_buf_view(&sealed), out, err);
  cd_buf_wipe(&sealed);
  return rc;
}

static cd_code replace_private(const char *path, cd_str content, cd_err *err)
{
  cd_buf sealed = CD_BUF_INIT(content.len + PF_SEAL_MORE);
  cd_code rc = pf_seal(content, &sealed, err);
  if (rc == CD_OK)
    rc = pf_file_replace(path, cd_buf_view(&sealed), 0600, err);
  cd_buf_wipe(&sealed);
  return rc;
}

cd_code agent_enrolment_load(const char *state_dir, agent_enrolment **ret_enrolment, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_buf text = CD_BUF_INIT(AGENT_ENROLMENT_MAX);
  agent_enrolment *e = NULL;
  cd_err why = {0};
  cd_code rc = path_of(state_dir, "enrolment.json", path, &why);
  if (rc == CD_OK)
    rc = read_private(path, AGENT_ENROLMENT_MAX, &text, &why);
  if (rc == CD_E_NOTFOUND) {
    *ret_enrolment = NULL;
    return CD_OK;
  }
  if (rc == CD_OK && (e = agent_enrolment_new()) == NULL)
    rc = cd_fail(&why, CD_E_INTERNAL, "no memory for the enrolment");
  if (rc == CD_OK)
    rc = agent_enrolment_read(cd_buf_view(&text), e, &why);
  if (rc == CD_OK)
    rc = agent_device_key(state_dir, &e->device_key, &why);
  cd_buf_wipe(&text);
  if (rc == CD_OK) {
    *ret_enrolment = e;
    return CD_OK;
  }
  agent_enrolment_free(e);
  return cd_fail(err, rc, "'%s': %s", path, why.text);
}

cd_code agent_enrolment_store(const char *state_dir, const agent_enrolment *e, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_buf text = CD_BUF_INIT(AGENT_ENROLMENT_MAX);
  cd_code rc = path_of(state_dir, "enrolment.json", path, err);
  if (rc == CD_OK)
    rc = agent_enrolment_write(e, &text, err);
  CD_FAULT_POINT("remote.before_enrolment");
  if (rc == CD_OK)
    rc = replace_private(path, cd_buf_view(&text), err);
  CD_FAULT_POINT("remote.enrolment_synced");
  cd_buf_wipe(&text);
  return rc;
}

/* ---- the device key ---- */

static cd_code make_device_key(const char *path, cd_key **ret_key, cd_err *err)
{
  cd_key *key = NULL;
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = cd_key_generate(&agent_random, &key, err);
  if (rc == CD_OK)
    rc = cd_key_to_pem(key, &pem, err);
  if (rc == CD_OK)
    rc = replace_private(path, cd_buf_view(&pem), err);
  cd_buf_wipe(&pem);
  if (rc == CD_OK)
    *ret_key = key;
  else
    cd_key_free(key);
  return rc;
}

cd_code agent_device_key(const char *state_dir, cd_key **ret_key, cd_err *err)
{
  char path[CD_PATH_MAX];
  cd_err why = {0};
  cd_buf pem = CD_BUF_INIT(CD_KEY_PEM_MAX);
  cd_code rc = path_of(state_dir, "device.key", path, err);
  if (rc != CD_OK)
    return rc;
  rc = read_private(path, CD_KEY_PEM_MAX, &pem, &why);
  if (rc == CD_E_NOTFOUND)
    return make_device_key(path, ret_key, err);
  if (rc == CD_OK)
    rc = cd_key_from_pem(cd_buf_view(&pem), &agent_random, ret_key, &why);
  cd_buf_wipe(&pem);
  return rc == CD_OK ? rc : cd_fail(err, rc, "the device key '%s': %s", path, why.text);
}
