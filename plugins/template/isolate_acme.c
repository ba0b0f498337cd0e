/* A first plugin: isolation by a product called Acme, which a file plays here. To make it yours,
 * put your product's calls into the four acme_ functions, and what it can into FEATURES.
 * docs/writing-a-plugin.md explains each step. */
#include <cordon/plugin.h>

#include <cjson/cJSON.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FEATURES "[\"full\",\"ipv4\",\"ipv6\"]"

static const cordon_host *host;
static char acme_folder[4000];
static char acme_file[4096];

/* Says why an operation fails, and how. */
static cordon_status fail(const cordon_request *req, cordon_status status, int os_error,
                          const char *sentence)
{
  host->explain(host, req->op, (uint32_t)os_error, sentence);
  return status;
}

static cordon_status give(const cordon_request *req, const char *json)
{
  return host->result(host, req->op, json, strlen(json));
}

/* ---- the product ---- */

/* Puts a policy in force, in one step: after a crash there is the old one or the new one. */
static int acme_isolate(const char *policy)
{
  char fresh[sizeof(acme_file) + 4];
  (void)snprintf(fresh, sizeof(fresh), "%s.new", acme_file);
  int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno;
  int why =
      write(fd, policy, strlen(policy)) == (ssize_t)strlen(policy) && fsync(fd) == 0 ? 0 : EIO;
  (void)close(fd);
  return why == 0 && rename(fresh, acme_file) != 0 ? errno : why;
}

static int acme_release(void)
{
  return unlink(acme_file) == 0 || errno == ENOENT ? 0 : errno;
}

/* The policy in force now, looked up and not remembered; 0 if there is none. */
static int acme_policy(char *out, size_t size)
{
  int fd = open(acme_file, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, out, size - 1);
  if (fd >= 0)
    (void)close(fd);
  out[got > 0 ? got : 0] = '\0';
  return got > 0;
}

/* A name for what these parameters put in force: it must change whenever that does. */
static void acme_name_policy(const char *params, size_t len, char *out, size_t size)
{
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < len; i++)
    hash = (hash ^ (unsigned char)params[i]) * 0x100000001b3u;
  (void)snprintf(out, size, "acme:%016llx", (unsigned long long)hash);
}

/* ---- the capability: each is one blocking call on a thread of its own ---- */

static cordon_status CORDON_CALL probe(const cordon_plugin *p, const cordon_request *req)
{
  (void)p;
  if (access(acme_folder, W_OK) != 0) /* is the product installed, running, licensed? */
    return fail(req, CORDON_E_UNAVAILABLE, errno, "Acme is not running; install the package acme");
  return give(req, "{\"features\":" FEATURES ",\"product\":\"Acme\",\"product_version\":\"1.0\"}");
}

static cordon_status CORDON_CALL apply(const cordon_plugin *p, const cordon_request *req)
{
  char policy[64];
  char before[64];
  char json[256];
  (void)p;
  /* What cannot be honoured is refused before anything changes. */
  cJSON *params = cJSON_ParseWithLength(req->params, req->params_len);
  const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "type"));
  int full = type != NULL && strcmp(type, "full") == 0;
  cJSON_Delete(params);
  if (!full)
    return fail(req, CORDON_E_UNSUPPORTED, 0, "Acme has no exclusions: it can only isolate fully");

  acme_name_policy(req->params, req->params_len, policy, sizeof(policy));
  int changed = !acme_policy(before, sizeof(before)) || strcmp(before, policy) != 0;
  int why = (req->flags & CORDON_REQ_DRY_RUN) != 0 || !changed ? 0 : acme_isolate(policy);
  if (why != 0)
    return fail(req, CORDON_E_IO, why, "Acme did not take the policy");
  (void)snprintf(json, sizeof(json),
                 "{\"state\":\"isolated\",\"digest\":\"%s\",\"sockets_ended\":0,\"changed\":%s}",
                 policy, changed ? "true" : "false");
  return give(req, json);
}

static cordon_status CORDON_CALL release(const cordon_plugin *p, const cordon_request *req)
{
  (void)p;
  int why = (req->flags & CORDON_REQ_DRY_RUN) != 0 ? 0 : acme_release();
  if (why != 0)
    return fail(req, CORDON_E_IO, why, "Acme did not give up its policy");
  return give(req, "{\"state\":\"released\"}");
}

static cordon_status CORDON_CALL query(const cordon_plugin *p, const cordon_request *req)
{
  char policy[64];
  char json[128];
  (void)p;
  if (!acme_policy(policy, sizeof(policy)))
    return give(req, "{\"state\":\"released\",\"digest\":null}");
  (void)snprintf(json, sizeof(json), "{\"state\":\"isolated\",\"digest\":\"%s\"}", policy);
  return give(req, json);
}

/* The truth: nothing was tried, so nothing is proven. Probe with real packets here, and count a
 * probe as blocked only if your product's own counter moved. */
static cordon_status CORDON_CALL verify(const cordon_plugin *p, const cordon_request *req)
{
  (void)p;
  (void)give(req, "{\"holds\":false,\"digest\":null,\"probes\":[],\"counters\":{},"
                  "\"not_probed\":[\"everything: this plugin has no probes yet\"]}");
  return fail(req, CORDON_E_UNVERIFIED, 0, "this plugin has no probes yet");
}

static const cordon_state isolate = {.struct_size = sizeof(isolate),
                                     .probe = probe,
                                     .apply = apply,
                                     .release = release,
                                     .query = query,
                                     .verify = verify};

/* ---- the plugin ---- */

static const void *CORDON_CALL get_extension(const cordon_plugin *p, const char *id)
{
  (void)p;
  return strcmp(id, CORDON_EXT_ISOLATE) == 0 ? &isolate : NULL;
}

static void CORDON_CALL destroy(const cordon_plugin *p)
{
  (void)p; /* what is in force stays in force */
}

static const cordon_plugin plugin = {
    .struct_size = sizeof(plugin), .get_extension = get_extension, .destroy = destroy};

static const cordon_plugin *CORDON_CALL create(const cordon_host *h, const char *config,
                                               size_t config_len)
{
  host = h;
  cJSON *doc = cJSON_ParseWithLength(config, config_len);
  const char *folder = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(doc, "state_dir"));
  int good = folder != NULL && strlen(folder) < sizeof(acme_folder);
  (void)snprintf(acme_folder, sizeof(acme_folder), "%s", good ? folder : "");
  (void)snprintf(acme_file, sizeof(acme_file), "%s/policy", acme_folder);
  cJSON_Delete(doc);
  return good ? &plugin : NULL;
}

static const char *const provides[] = {CORDON_EXT_ISOLATE, NULL};

const cordon_plugin_entry cordon_plugin_entry_1 = {.struct_size = sizeof(cordon_plugin_entry_1),
                                                   .abi_major = CORDON_ABI_MAJOR,
                                                   .abi_minor = CORDON_ABI_MINOR,
                                                   .concurrency = 1,
                                                   .id = "org.example.isolate-acme",
                                                   .version = "1.0.0",
                                                   .provides = provides,
                                                   .create = create};
