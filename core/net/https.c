/* One POST and its answer over one connection. */
#include "net/https.h"

#include "http_body.h"
#include "protocol/limits.h"
#include "protocol/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/banned.h"

#define HEAD_MAX 4096u

struct net_https {
  net_conn *conn; /* NULL once it is closed */
  net_https_done done;
  void *owner;
  uv_timer_t timer;
  uint32_t deadline_ms;
  char host[CD_HTTP_HOST_MAX + 1];
  cd_buf request; /* until it is sent */
  cd_http_head head;
  bool in_body;
  net_body body;
  uint32_t retry_after_s;
  bool has_reason;
  cd_code why;
  char sentence[CD_ERR_TEXT_MAX];
};

static void end_with(net_https *h, cd_code code, const char *sentence)
{
  if (!h->has_reason) {
    h->has_reason = true;
    h->why = code;
    (void)snprintf(h->sentence, sizeof(h->sentence), "%s", sentence);
  }
  if (h->conn != NULL)
    net_conn_end(h->conn, code, sentence);
}

static void on_deadline(uv_timer_t *timer)
{
  net_https *h = timer->data;
  cd_err err = {0};
  cd_code code = cd_fail(&err, CD_E_DEADLINE, "'%s' did not answer the request within %u ms",
                         h->host, h->deadline_ms);
  end_with(h, code, err.text);
}

/* ---- events of the connection ---- */

static void on_conn_open(net_conn *conn)
{
  net_https *h = net_conn_owner(conn);
  cd_err err = {0};
  cd_code rc = net_conn_write(conn, cd_buf_view(&h->request), &err);
  cd_buf_wipe(&h->request);
  if (rc != CD_OK)
    end_with(h, rc, err.text);
}

/* Heads of informational answers (1xx) are passed over. Returns false while the head of the answer
 * itself is not there. */
static bool take_head(net_https *h, cd_str *input, cd_err *err, cd_code *rc)
{
  for (;;) {
    *rc = cd_http_head_take(&h->head, "the server", input, err);
    if (*rc == CD_E_NOTFOUND) {
      *rc = CD_OK;
      return false;
    }
    if (*rc == CD_OK && h->head.status == 101)
      *rc = cd_fail(err, CD_E_INVALID, "the server switched protocols unasked");
    if (*rc != CD_OK)
      return false;
    if (h->head.status >= 200)
      break;
    cd_http_head_release(&h->head);
    cd_http_head_init(&h->head);
  }
  *rc = net_body_begin(&h->body, &h->head, NET_BODY_MAX, err);
  h->in_body = *rc == CD_OK;
  return h->in_body;
}

static void on_conn_data(net_conn *conn, cd_str bytes)
{
  net_https *h = net_conn_owner(conn);
  cd_err err = {0};
  cd_code rc = CD_OK;
  if (h->has_reason || (!h->in_body && !take_head(h, &bytes, &err, &rc))) {
    if (rc != CD_OK)
      end_with(h, rc, err.text);
    return;
  }
  rc = net_body_take(&h->body, &bytes, &err);
  if (rc == CD_E_NOTFOUND)
    return;
  end_with(h, rc, rc == CD_OK ? "" : err.text);
}

static bool is_json(const cd_http_head *head)
{
  cd_str type = {0};
  if (cd_http_head_find(head, "Content-Type", &type) != 1)
    return false;
  type = cd_str_cut(&type, ';');
  while (type.len > 0 && (type.ptr[type.len - 1] == ' ' || type.ptr[type.len - 1] == '\t'))
    type.len--;
  return type.len == 16 && strncasecmp(type.ptr, "application/json", 16) == 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
  net_https *h = handle->data;
  net_https_answer answer = {.code = h->why, .sentence = h->sentence};
  if (h->why == CD_OK) {
    answer.status = h->head.status;
    answer.is_json = is_json(&h->head);
    answer.body = cd_buf_view(&h->body.bytes);
    answer.retry_after_s = cd_http_head_retry_after_s(&h->head);
  } else {
    answer.retry_after_s = h->retry_after_s; /* the proxy's */
  }
  h->done(h->owner, &answer);
  cd_buf_wipe(&h->request);
  cd_http_head_release(&h->head);
  net_body_release(&h->body);
  free(h);
}

static void on_conn_closed(net_conn *conn, cd_code code, const char *sentence)
{
  net_https *h = net_conn_owner(conn);
  cd_err err = {0};
  if (code == CD_OK && !h->has_reason) {
    if (h->in_body)
      code = net_body_end(&h->body, &err);
    else
      code = cd_fail(&err, CD_E_IO, "'%s' ended the connection before it had answered", h->host);
    sentence = code == CD_OK ? "" : err.text;
  }
  h->retry_after_s = net_conn_retry_after_s(conn);
  h->conn = NULL;
  end_with(h, code, sentence);
  uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}

static const net_conn_events conn_events = {
    .on_open = on_conn_open,
    .on_data = on_conn_data,
    .on_closed = on_conn_closed,
};

/* ---- asking ---- */

static bool is_printable(cd_str s, char from)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < from || s.ptr[i] > 0x7e)
      return false;
  return true;
}

static cd_code check_request(const net_https_request *r, cd_err *err)
{
  if (!cd_http_host_valid(r->endpoint.host))
    return cd_fail(err, CD_E_INVALID, "the server's host is no name and no address");
  if (r->path.len == 0 || r->path.len > CD_HTTP_PATH_MAX || r->path.ptr[0] != '/' ||
      !is_printable(r->path, 0x21))
    return cd_fail(err, CD_E_INVALID,
                   "the path of a request must begin with '/' and be of at most %u printable "
                   "characters",
                   CD_HTTP_PATH_MAX);
  if (r->agent.len > 128 || !is_printable(r->agent, 0x20))
    return cd_fail(err, CD_E_INVALID, "the user agent must be of at most 128 printable characters");
  if (r->body.len > NET_REQUEST_BODY_MAX)
    return cd_fail(err, CD_E_LIMIT, "the body of a request has %zu bytes, the limit is %u",
                   r->body.len, NET_REQUEST_BODY_MAX);
  return CD_OK;
}

static void add_head(cd_buf *out, const net_https_request *r)
{
  cd_buf_addf(out, "POST %.*s HTTP/1.1\r\nHost: ", CD_STR_ARG(r->path));
  if (r->endpoint.port == 443 && memchr(r->endpoint.host.ptr, ':', r->endpoint.host.len) == NULL)
    cd_buf_add_str(out, r->endpoint.host);
  else
    cd_http_authority_add(out, r->endpoint.host, r->endpoint.port);
  if (r->agent.len > 0)
    cd_buf_addf(out, "\r\nUser-Agent: %.*s", CD_STR_ARG(r->agent));
  cd_buf_addf(out,
              "\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
              "Content-Length: %zu\r\nConnection: close\r\n\r\n",
              r->body.len);
}

/* The body is a secret, so the memory for all of it is taken at once: see cd_buf_wipe(). */
static cd_code make_request(net_https *h, const net_https_request *r, cd_err *err)
{
  static const char padding[HEAD_MAX + NET_REQUEST_BODY_MAX];
  cd_code rc = check_request(r, err);
  if (rc != CD_OK)
    return rc;
  cd_buf_add(&h->request, padding, HEAD_MAX + r->body.len);
  h->request.len = 0;
  add_head(&h->request, r);
  cd_buf_add_str(&h->request, r->body);
  return cd_buf_status(&h->request, "a request", err);
}

cd_code net_https_post(uv_loop_t *loop, const net_https_request *request, net_https_done done,
                       void *owner, net_https **ret_https, cd_err *err)
{
  net_https *h = calloc(1, sizeof(*h));
  if (h == NULL)
    return cd_fail(err, CD_E_INTERNAL, "no memory for a request");
  h->done = done;
  h->owner = owner;
  h->deadline_ms = request->deadline_ms > 0 ? request->deadline_ms : NET_HTTPS_MS;
  cd_buf_init(&h->request, HEAD_MAX + NET_REQUEST_BODY_MAX);
  cd_http_head_init(&h->head);
  cd_code rc = make_request(h, request, err);
  if (rc == CD_OK && !cd_str_copy(h->host, sizeof(h->host), request->endpoint.host))
    rc = cd_fail(err, CD_E_INVALID, "the server's host is too long");
  if (rc == CD_OK)
    rc = net_conn_open(loop, &request->endpoint, request->tls, h->deadline_ms, &conn_events, h,
                       &h->conn, err);
  if (rc != CD_OK) {
    cd_buf_wipe(&h->request);
    free(h);
    return rc;
  }
  (void)uv_timer_init(loop, &h->timer); /* only links it into the loop */
  h->timer.data = h;
  (void)uv_timer_start(&h->timer, on_deadline, h->deadline_ms, 0);
  *ret_https = h;
  return CD_OK;
}

void net_https_cancel(net_https *h)
{
  end_with(h, CD_E_CANCELLED, "the request was given up");
}
