/* CONNECT through an HTTP proxy. */
#include "protocol/proxy.h"

#include "protocol/base64.h"
#include "protocol/secret.h"

#include <string.h>

#include "base/banned.h"

#define REQUEST_MAX 2048u
#define PAIR_MAX (2u * CD_PROXY_SECRET_MAX + 1u)

static bool has_control(cd_str s)
{
  for (size_t i = 0; i < s.len; i++)
    if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
      return true;
  return false;
}

static cd_code check_request(const cd_proxy_request *r, cd_err *err)
{
  if (!cd_http_host_valid(r->host) || r->port == 0)
    return cd_fail(err, CD_E_INVALID, "the console's host is no name and no address");
  if (r->agent.len > 128 || has_control(r->agent))
    return cd_fail(err, CD_E_INVALID, "the user agent must be of at most 128 printable characters");
  if (!r->has_credentials)
    return CD_OK;
  if (r->user.len > CD_PROXY_SECRET_MAX || r->password.len > CD_PROXY_SECRET_MAX)
    return cd_fail(err, CD_E_LIMIT, "the proxy's user name or password has more than %u bytes",
                   CD_PROXY_SECRET_MAX);
  if (has_control(r->user) || has_control(r->password))
    return cd_fail(err, CD_E_INVALID, "the proxy's user name or password has a control character");
  if (r->user.len > 0 && memchr(r->user.ptr, ':', r->user.len) != NULL)
    return cd_fail(err, CD_E_INVALID,
                   "the proxy's user name has a colon, which Basic cannot carry");
  return CD_OK;
}

static void add_credentials(cd_buf *out, const cd_proxy_request *r)
{
  char pair[PAIR_MAX];
  size_t n = r->user.len;
  if (n > 0)
    memcpy(pair, r->user.ptr, n);
  pair[n++] = ':';
  if (r->password.len > 0)
    memcpy(pair + n, r->password.ptr, r->password.len);
  n += r->password.len;
  cd_buf_add_cstr(out, "Proxy-Authorization: Basic ");
  cd_base64_add(out, pair, n);
  cd_buf_add_cstr(out, "\r\n");
  cd_wipe(pair, sizeof(pair));
}

cd_code cd_proxy_request_write(const cd_proxy_request *r, cd_buf *out, cd_err *err)
{
  static const char padding[REQUEST_MAX];
  cd_buf text = CD_BUF_INIT(REQUEST_MAX);
  cd_code rc = check_request(r, err);
  if (rc != CD_OK)
    return rc;
  /* The memory is taken at once, so that no copy of the secret is left behind by growing. */
  cd_buf_add(&text, padding, sizeof(padding));
  text.len = 0;
  cd_buf_add_cstr(&text, "CONNECT ");
  cd_http_authority_add(&text, r->host, r->port);
  cd_buf_add_cstr(&text, " HTTP/1.1\r\nHost: ");
  cd_http_authority_add(&text, r->host, r->port);
  cd_buf_add_cstr(&text, "\r\n");
  if (r->agent.len > 0)
    cd_buf_addf(&text, "User-Agent: %.*s\r\n", CD_STR_ARG(r->agent));
  if (r->has_credentials)
    add_credentials(&text, r);
  cd_buf_add_cstr(&text, "\r\n");
  rc = cd_buf_status(&text, "the request to the proxy", err);
  if (rc == CD_OK) {
    cd_buf_add_str(out, cd_buf_view(&text));
    rc = cd_buf_status(out, "the request to the proxy", err);
  }
  cd_buf_wipe(&text);
  return rc;
}

static cd_code asks_for_credentials(const cd_http_head *h, const cd_proxy_request *r, cd_err *err)
{
  if (!cd_http_head_has_scheme(h, "Proxy-Authenticate", "Basic"))
    return cd_fail(
        err, CD_E_DENIED,
        "the proxy asks for a way to authenticate other than Basic, which is the only one "
        "known here (407)");
  if (r->has_credentials)
    return cd_fail(err, CD_E_DENIED,
                   "the proxy refused the user name and password it was given "
                   "(407)");
  return cd_fail(err, CD_E_DENIED,
                 "the proxy asks for a user name and a password, and none are configured (407)");
}

cd_code cd_proxy_response_check(const cd_http_head *h, const cd_proxy_request *r, cd_err *err)
{
  char status[CD_HTTP_STATUS_TEXT_MAX];
  if (!h->complete)
    return cd_fail(err, CD_E_INTERNAL, "a proxy's answer was judged before it was complete");
  if (h->status >= 200 && h->status <= 299)
    return CD_OK;
  if (h->status == 407)
    return asks_for_credentials(h, r, err);
  /* What tinyproxy says to wrong credentials. */
  if (h->status == 401 && r->has_credentials)
    return cd_fail(err, CD_E_DENIED,
                   "the proxy refused the user name and password it was given (401)");
  cd_code code = h->status == 401 || h->status == 403   ? CD_E_DENIED
                 : h->status == 429 || h->status >= 500 ? CD_E_UNAVAILABLE
                                                        : CD_E_INVALID;
  cd_http_head_status_text(h, status);
  return cd_fail(err, code, "the proxy would not connect to %.*s: it answered '%s'",
                 CD_STR_ARG(r->host), status);
}
