/* libcurl with everything switched off that a client of one API does not need. */
#include "fleet_http.h"

#include "platform/file.h"
#include "protocol/secret.h"

#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define CONNECT_MS 10000L
#define CA_MAX (1024u * 1024u) /* the certificates that a system trusts are a quarter of it */
#define HEADER_MAX (FLEET_BEARER_MAX + 64u)

struct fleet_http {
  CURL *curl;
  fleet_interrupted_fn interrupted;
  void *context;
  bool global;
  char why[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
  fleet_answer *answer = context;
  cd_buf_add(&answer->body, bytes, size * count);
  /* Anything but the size ends the transfer. */
  return answer->body.failed == CD_OK ? size * count : 0;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
  fleet_http *h = context;
  return h->interrupted != NULL && h->interrupted(h->context) ? 1 : 0;
}

/* Options that hold for every request. */
static const struct {
  CURLoption option;
  long value;
} switches[] = {
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_PATH_AS_IS, 1},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    /* A proxy must not see the token. */
    {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE},
    {CURLOPT_NOPROGRESS, 0},
};

static CURLcode set_pointers(fleet_http *h)
{
  CURLcode rc = curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "https");
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(h->curl, CURLOPT_USERAGENT, "cordon/" CORDON_VERSION);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->why);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, on_body);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(h->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(h->curl, CURLOPT_XFERINFODATA, h);
  return rc;
}

/* The first failure is kept. */
static CURLcode set_up(fleet_http *h)
{
  CURLcode rc = set_pointers(h);
  for (size_t i = 0; rc == CURLE_OK && i < sizeof(switches) / sizeof(switches[0]); i++)
    rc = curl_easy_setopt(h->curl, switches[i].option, switches[i].value);
  return rc;
}

/* Those of the file instead of the system's, not beside them. Read here: the TLS libraries do not
 * all take every name that a file may have. */
static cd_code pin(fleet_http *h, const char *path, cd_err *err)
{
  cd_buf pem = CD_BUF_INIT(CA_MAX);
  cd_code rc = pf_file_read(path, CA_MAX, &pem, err);
  struct curl_blob blob = {.data = pem.ptr, .len = pem.len, .flags = CURL_BLOB_COPY};
  CURLcode status = CURLE_OK;
  if (rc == CD_OK)
    status = curl_easy_setopt(h->curl, CURLOPT_CAINFO_BLOB, &blob);
  if (rc == CD_OK && status == CURLE_OK)
    status = curl_easy_setopt(h->curl, CURLOPT_CAINFO, NULL);
  if (rc == CD_OK && status == CURLE_OK)
    status = curl_easy_setopt(h->curl, CURLOPT_CAPATH, NULL);
  if (rc != CD_OK)
    rc = cd_err_prefix(err, "what answers cannot be shown to be the console");
  else if (status != CURLE_OK)
    rc = cd_fail(err, CD_E_UNSUPPORTED, "libcurl cannot do what is needed here: %s",
                 curl_easy_strerror(status));
  cd_buf_release(&pem);
  return rc;
}

cd_code fleet_http_open(const char *ca, fleet_interrupted_fn interrupted, void *context,
                        fleet_http **ret_http, cd_err *err)
{
  fleet_http *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory");
  h->interrupted = interrupted;
  h->context = context;
  CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT);
  h->global = status == CURLE_OK;
  h->curl = h->global ? curl_easy_init() : NULL;
  if (h->curl != NULL)
    status = set_up(h);
  if (h->curl == NULL || status != CURLE_OK) {
    cd_code rc = cd_fail(err, CD_E_UNSUPPORTED, "libcurl cannot do what is needed here: %s",
                         curl_easy_strerror(status));
    fleet_http_close(h);
    return rc;
  }
  cd_code rc = ca != NULL && ca[0] != '\0' ? pin(h, ca, err) : CD_OK;
  if (rc == CD_OK)
    *ret_http = h;
  else
    fleet_http_close(h);
  return rc;
}

void fleet_http_close(fleet_http *h)
{
  if (h == NULL)
    return;
  if (h->curl != NULL)
    curl_easy_cleanup(h->curl);
  if (h->global)
    curl_global_cleanup();
  free(h);
}

static bool add_header(struct curl_slist **list, const char *text)
{
  struct curl_slist *longer = curl_slist_append(*list, text);
  if (longer == NULL)
    return false;
  *list = longer;
  return true;
}

/* The list is zeroed where it held the token. */
static void free_headers(struct curl_slist *list)
{
  for (struct curl_slist *i = list; i != NULL; i = i->next)
    cd_wipe(i->data, strlen(i->data));
  curl_slist_free_all(list);
}

static bool make_headers(const fleet_request *r, struct curl_slist **headers)
{
  char bearer[HEADER_MAX];
  char type[128];
  (void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %.*s", CD_STR_ARG(r->bearer));
  (void)snprintf(type, sizeof(type), "Content-Type: %s", r->body_type != NULL ? r->body_type : "");
  /* Without "Expect: 100-continue", which costs a round trip for nothing. */
  bool ok = add_header(headers, "Accept: application/json") && add_header(headers, "Expect:");
  ok = ok && (r->bearer.len == 0 || add_header(headers, bearer));
  ok = ok && (r->body_type == NULL || add_header(headers, type));
  cd_wipe(bearer, sizeof(bearer));
  return ok;
}

static CURLcode set_body(CURL *c, const fleet_request *r)
{
  if (r->body_type == NULL) {
    CURLcode rc = curl_easy_setopt(c, CURLOPT_POSTFIELDS, NULL);
    return rc == CURLE_OK ? curl_easy_setopt(c, CURLOPT_HTTPGET, 1L) : rc;
  }
  CURLcode rc = curl_easy_setopt(c, CURLOPT_POST, 1L);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.ptr : "");
  return rc;
}

static CURLcode prepare(fleet_http *h, const fleet_request *r, fleet_answer *answer,
                        struct curl_slist **headers)
{
  CURL *c = h->curl;
  long timeout = r->timeout_ms > 0 ? (long)r->timeout_ms : 1L;
  if (!make_headers(r, headers))
    return CURLE_OUT_OF_MEMORY;
  CURLcode rc = set_body(c, r);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_URL, r->url);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_HTTPHEADER, *headers);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_RANGE, r->range);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
  if (rc == CURLE_OK)
    rc = curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout);
  if (rc == CURLE_OK)
    rc =
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : CONNECT_MS);
  return rc;
}

/* What went wrong, in our words, and with libcurl's where they say more. */
static cd_code explain(const fleet_http *h, CURLcode status, const fleet_answer *answer,
                       cd_err *err)
{
  const char *why = h->why[0] != '\0' ? h->why : curl_easy_strerror(status);
  switch (status) {
  case CURLE_ABORTED_BY_CALLBACK:
    return cd_fail(err, CD_E_CANCELLED, "interrupted while waiting for the console");
  case CURLE_OPERATION_TIMEDOUT:
    return cd_fail(err, CD_E_DEADLINE, "the console did not answer in time: %s", why);
  case CURLE_WRITE_ERROR:
    if (answer->body.failed != CD_OK)
      return cd_fail(err, CD_E_LIMIT, "the console's answer is larger than %u bytes",
                     FLEET_ANSWER_MAX);
    break;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
    return cd_fail(err, CD_E_UNVERIFIED, "what answers is not shown to be the console: %s", why);
  default: break;
  }
  return cd_fail(err, CD_E_UNAVAILABLE, "cannot reach the console: %s", why);
}

static void read_facts(const fleet_http *h, fleet_answer *answer)
{
  curl_off_t wait_s = 0;
  (void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &answer->status);
  if (curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0)
    answer->retry_after_s = (uint64_t)wait_s;
}

cd_code fleet_http_do(fleet_http *h, const fleet_request *request, fleet_answer *ret_answer,
                      bool *ret_sent, cd_err *err)
{
  struct curl_slist *headers = NULL;
  fleet_answer answer = {.body = CD_BUF_INIT(FLEET_ANSWER_MAX)};
  long sent = 0;
  cd_code rc = CD_OK;
  h->why[0] = '\0';
  CURLcode status = prepare(h, request, &answer, &headers);
  if (status == CURLE_OK) {
    status = curl_easy_perform(h->curl);
    (void)curl_easy_getinfo(h->curl, CURLINFO_REQUEST_SIZE, &sent);
  }
  if (ret_sent != NULL)
    *ret_sent = sent > 0;
  if (status == CURLE_OK) {
    read_facts(h, &answer);
    cd_buf_release(&ret_answer->body);
    *ret_answer = answer;
    answer = (fleet_answer){0};
  } else {
    rc = explain(h, status, &answer, err);
  }
  /* The handle outlives the request; the token and the form must not stay in it. */
  (void)curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
  (void)curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, NULL);
  cd_buf_release(&answer.body);
  free_headers(headers);
  return rc;
}
