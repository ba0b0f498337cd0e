/* The people's listener: HTTP/1.1 requests become calls, replies become answers. */
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "call.h"
#include "listen.h"

#include "base/banned.h"

#define CHUNK 16384u
#define HEAD_MAX 4096u
#define QUERY_MAX 16384u

/* One request of a connection at a time. Lives in libwebsockets' memory. */
typedef struct session {
  con_call *call;
  struct lws *wsi;
  size_t written; /* of the body */
  bool head_written;
  bool answered; /* the reply is complete */
  bool close;    /* the connection ends with this answer */
} session;

const size_t con_people_session = sizeof(session);

/* ---- the request ---- */

static con_verb verb_of(int method)
{
  switch (method) {
  case LWSHUMETH_GET:
  case LWSHUMETH_HEAD: return CON_GET;
  case LWSHUMETH_POST: return CON_POST;
  case LWSHUMETH_PATCH: return CON_PATCH;
  case LWSHUMETH_DELETE: return CON_DELETE;
  default: return CON_OTHER;
  }
}

static char *copy_header(struct lws *wsi, enum lws_token_indexes token)
{
  int len = lws_hdr_total_length(wsi, token);
  char *text = len > 0 ? calloc(1, (size_t)len + 1) : NULL;
  if (text != NULL && lws_hdr_copy(wsi, text, len + 1, token) < 0) {
    free(text);
    return NULL;
  }
  return text;
}

/* The parts of the query, which libwebsockets has taken apart and decoded. */
static bool copy_query(struct lws *wsi, con_call *c)
{
  size_t used = 0;
  c->query = malloc(QUERY_MAX);
  if (c->query == NULL)
    return false;
  for (int i = 0; c->param_count < CON_CALL_PARAMS; i++) {
    int len = lws_hdr_copy_fragment(wsi, c->query + used, (int)(QUERY_MAX - used),
                                    WSI_TOKEN_HTTP_URI_ARGS, i);
    if (len < 0)
      return true;
    cd_str rest = {c->query + used, (size_t)len};
    con_param *p = &c->params[c->param_count];
    p->name = cd_str_cut(&rest, '=');
    p->value = rest;
    if (!cd_str_utf8_valid(p->name) || !cd_str_utf8_valid(p->value))
      return false;
    if (len > 0)
      c->param_count++;
    used += (size_t)len + 1;
    if (used + 1 >= QUERY_MAX)
      return false;
  }
  return false;
}

static void on_done(con_call *c);

/* libwebsockets does not count a NUL, as %00 makes one: the length is then short of the end, and a
 * NUL at the end stands before the one that ends every path. Only a query, be it empty, has another
 * one there too. */
static bool has_nul(struct lws *wsi, cd_str path)
{
  char query[2];
  if (memchr(path.ptr, '\0', path.len) != NULL)
    return true;
  return path.ptr[path.len] == '\0' && path.ptr[path.len + 1] == '\0' &&
         lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) == 0 &&
         lws_hdr_copy_fragment(wsi, query, sizeof(query), WSI_TOKEN_HTTP_URI_ARGS, 0) == -1;
}

static con_call *new_call(struct lws *wsi, session *at)
{
  char *uri = NULL;
  int uri_len = 0;
  con_call *c = con_call_new(con_listen_server(wsi));
  if (c == NULL)
    return NULL;
  c->owner = at;
  c->on_done = on_done;
  int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
  c->verb = verb_of(method);
  c->head = method == LWSHUMETH_HEAD;
  cd_str path = {uri, uri != NULL && uri_len > 0 ? (size_t)uri_len : 0};
  bool good = path.len > 0 && cd_str_utf8_valid(path) && !has_nul(wsi, path);
  c->path = good ? cd_str_dup(path) : NULL;
  c->authorization = copy_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  c->range = copy_header(wsi, WSI_TOKEN_HTTP_RANGE);
  c->if_range = copy_header(wsi, WSI_TOKEN_HTTP_IF_RANGE);
  con_listen_peer(wsi, c->peer, sizeof(c->peer));
  return c;
}

/* What has no length has no body; what says it comes in chunks is refused, for libwebsockets does
 * not read those. False: the reply is there. */
static bool body_length(struct lws *wsi, session *at, uint64_t *ret_len)
{
  con_call *c = at->call;
  char text[32] = "";
  *ret_len = 0;
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
    con_reply_error(&c->reply, CON_BAD_REQUEST, "A body must come with its Content-Length");
    return false;
  }
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0) {
    at->close = c->verb != CON_GET;
    return true;
  }
  int len = lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH);
  if (len < 0 || !cd_str_to_u64((cd_str){text, (size_t)len}, UINT64_MAX / 2, ret_len)) {
    con_reply_error(&c->reply, CON_BAD_REQUEST, "Content-Length is no number");
    return false;
  }
  if (*ret_len > CON_BODY_MAX) {
    con_reply_error(&c->reply, CON_TOO_LARGE, "The body has more than %u bytes", CON_BODY_MAX);
    return false;
  }
  return true;
}

/* ---- the answer ---- */

/* Links to packages need no bearer: what they are good by is in their path. */
static int shown_length(cd_str path)
{
  for (cd_str rest = path; rest.len > 0;) {
    if (con_same(cd_str_cut(&rest, '/'), CD_STR("packages")) && rest.len > 0)
      return (int)(path.len - rest.len);
  }
  return (int)path.len;
}

static void answer(session *at)
{
  con_call *c = at->call;
  const char *path = c->path != NULL ? c->path : "";
  int shown = shown_length(cd_str_from(path));
  unsigned hundreds = c->reply.status / 100;
  at->answered = true;
  c->server->counters.requests[hundreds < 6 ? hundreds : 0]++;
  cd_log(CD_AREA_API, c->verb == CON_GET ? CD_LOG_DEBUG : CD_LOG_INFO,
         "peer=%s app=%s %.*s%s: %u, %zu bytes", c->peer, c->caller.app, shown, path,
         path[shown] != '\0' ? "***" : "", c->reply.status, c->reply.body.len);
  lws_callback_on_writable(at->wsi);
}

static void on_done(con_call *c)
{
  if (c->owner == NULL)
    con_call_free(c); /* nobody waits any more */
  else
    answer(c->owner);
}

static void run(session *at)
{
  con_call *c = at->call;
  con_call_run(c);
  /* A call that answers later may have done so already. */
  if (!c->later)
    answer(at);
}

static int add(struct lws *wsi, const char *name, const char *value, unsigned char **at,
               unsigned char *end)
{
  return lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                     (int)strlen(value), at, end);
}

static int add_range(struct lws *wsi, const con_file *f, unsigned char **at, unsigned char *end)
{
  char text[100];
  int bad = add(wsi, "accept-ranges:", "bytes", at, end) | add(wsi, "etag:", f->tag, at, end);
  if (!f->partial)
    return bad;
  if (f->unsatisfied)
    (void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)f->size);
  else
    (void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)f->offset,
                   (unsigned long long)(f->offset + f->length - 1), (unsigned long long)f->size);
  return bad | add(wsi, "content-range:", text, at, end);
}

static int write_head(struct lws *wsi, session *s)
{
  unsigned char head[LWS_PRE + HEAD_MAX];
  unsigned char *start = head + LWS_PRE;
  unsigned char *at = start;
  unsigned char *end = head + sizeof(head) - 1;
  const con_reply *r = &s->call->reply;
  char text[200];
  const char *type = r->content_type != NULL ? r->content_type : "application/json; charset=utf-8";
  bool is_file = r->file.file >= 0;
  uint64_t length = is_file ? r->file.length : r->body.len;
  int bad = lws_add_http_common_headers(wsi, r->status, type, length, &at, end);
  if (is_file)
    bad |= add_range(wsi, &r->file, &at, end);
  bad |= add(wsi, "cache-control:", "no-store", &at, end);
  bad |= add(wsi, "x-content-type-options:", "nosniff", &at, end);
  bad |= add(wsi, "strict-transport-security:", "max-age=31536000", &at, end);
  if (r->bearer)
    bad |= add(wsi, "www-authenticate:", "Bearer", &at, end);
  if (r->retry_after_s > 0) {
    (void)snprintf(text, sizeof(text), "%u", r->retry_after_s);
    bad |= add(wsi, "retry-after:", text, &at, end);
  }
  if (r->file_name != NULL) {
    (void)snprintf(text, sizeof(text), "attachment; filename=\"%s\"", r->file_name);
    bad |= add(wsi, "content-disposition:", text, &at, end);
  }
  if (bad != 0 || lws_finalize_write_http_header(wsi, start, &at, end) != 0)
    return -1;
  s->head_written = true;
  return 0;
}

/* The next piece of the answer; negative: it cannot be had. */
static int next_piece(session *s, unsigned char *out, bool *ret_last)
{
  const cd_buf *body = &s->call->reply.body;
  con_file *f = &s->call->reply.file;
  uint64_t left = f->file >= 0 ? f->length : body->len - s->written;
  size_t len = left < CHUNK ? (size_t)left : CHUNK;
  if (f->file >= 0 && len > 0) {
    uv_fs_t req;
    uv_buf_t into = uv_buf_init((char *)out, (unsigned)len);
    int got = uv_fs_read(NULL, &req, f->file, &into, 1, (int64_t)f->offset, NULL);
    uv_fs_req_cleanup(&req);
    if (got <= 0)
      return -1; /* cut short, which the length shows */
    len = (size_t)got;
    f->offset += len;
    f->length -= len;
  } else if (len > 0) {
    memcpy(out, body->ptr + s->written, len);
  }
  s->written += len;
  *ret_last = len == left;
  return (int)len;
}

static int finish(struct lws *wsi, session *s)
{
  bool close = s->close;
  con_call_free(s->call);
  *s = (session){.wsi = wsi};
  return close || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int write_some(struct lws *wsi, session *s)
{
  unsigned char chunk[LWS_PRE + CHUNK];
  bool last = false;
  int piece = next_piece(s, chunk + LWS_PRE, &last);
  if (piece < 0)
    return -1;
  size_t len = (size_t)piece;
  if (lws_write(wsi, chunk + LWS_PRE, len, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
    return -1;
  if (!last) {
    lws_callback_on_writable(wsi);
    return 0;
  }
  return finish(wsi, s);
}

static int on_writable(struct lws *wsi, session *s)
{
  if (s->call == NULL || !s->answered)
    return 0;
  if (!s->head_written) {
    if (write_head(wsi, s) != 0)
      return -1;
    if (s->call->head)
      return finish(wsi, s);
    lws_callback_on_writable(wsi);
    return 0;
  }
  return write_some(wsi, s);
}

/* ---- libwebsockets ---- */

static void abandon(session *s)
{
  con_call *c = s->call;
  s->call = NULL;
  if (c == NULL)
    return;
  if (c->later && !s->answered)
    c->owner = NULL;
  else
    con_call_free(c);
}

static int on_request(struct lws *wsi, session *s)
{
  uint64_t len = 0;
  abandon(s);
  *s = (session){.wsi = wsi};
  s->call = new_call(wsi, s);
  if (s->call == NULL)
    return -1;
  if (s->call->path == NULL || !copy_query(wsi, s->call)) {
    con_reply_error(&s->call->reply, CON_BAD_REQUEST, "The request URI cannot be read");
    s->close = true;
    answer(s);
  } else if (!body_length(wsi, s, &len)) {
    s->close = true; /* what follows is not read */
    answer(s);
  } else if (len == 0) {
    run(s);
  }
  return 0;
}

static int on_body(session *s, const void *bytes, size_t len)
{
  if (s->call == NULL || s->answered)
    return 0;
  cd_buf_add(&s->call->body, bytes, len);
  return s->call->body.failed == CD_OK ? 0 : -1;
}

/* Before TLS; returning other than 0 hangs up. */
static int on_accepted(struct lws *wsi, lws_sockfd_type fd)
{
  con_server *s = con_listen_server(wsi);
  char peer[CON_PEER_MAX] = "";
  (void)lws_get_peer_simple_fd(fd, peer, sizeof(peer));
  con_plain_address(peer);
  if (con_crowd_room(&s->crowd, cd_str_from(peer)))
    return 0;
  s->counters.crowded++;
  return 1;
}

static void on_connection(struct lws *wsi)
{
  char peer[CON_PEER_MAX] = "";
  con_listen_peer(wsi, peer, sizeof(peer));
  con_crowd_add(&con_listen_server(wsi)->crowd, wsi, cd_str_from(peer));
}

int con_people_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
  session *s = user;
  switch (reason) {
  case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
    con_listen_server(wsi)->people_tls = user;
    return 0;
  case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
    return on_accepted(wsi, (lws_sockfd_type)(intptr_t)in);
  case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED: on_connection(wsi); return 0;
  case LWS_CALLBACK_WSI_DESTROY: con_crowd_remove(&con_listen_server(wsi)->crowd, wsi); return 0;
  case LWS_CALLBACK_HTTP: return on_request(wsi, s);
  case LWS_CALLBACK_HTTP_BODY: return on_body(s, in, len);
  case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    if (s->call != NULL && !s->answered)
      run(s);
    return 0;
  case LWS_CALLBACK_HTTP_WRITEABLE: return on_writable(wsi, s);
  case LWS_CALLBACK_CLOSED_HTTP:
  case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    if (s != NULL)
      abandon(s);
    return 0;
  case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return -1; /* no WebSockets here */
  default: return 0;
  }
}
