/* The opening handshake: what the client asks, and whether the answer is the one to it. */
#include "protocol/ws_handshake.h"

#include "protocol/base64.h"

#include <mbedtls/sha1.h>

#include <string.h>

#include "base/banned.h"

static const char accept_guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
#define SHA1_SIZE 20u

_Static_assert(CD_WS_KEY_MAX == 24 + 1 && CD_WS_ACCEPT_MAX == 28 + 1, "base64 and the NUL");

void cd_ws_key(const uint8_t random[CD_WS_KEY_BYTES], char out[CD_WS_KEY_MAX])
{
  cd_base64_text(out, random, CD_WS_KEY_BYTES);
}

cd_code cd_ws_accept(cd_str key, char out[CD_WS_ACCEPT_MAX], cd_err *err)
{
  uint8_t hash[SHA1_SIZE];
  mbedtls_sha1_context sha1;
  mbedtls_sha1_init(&sha1);
  int rc = mbedtls_sha1_starts(&sha1);
  if (rc == 0)
    rc = mbedtls_sha1_update(&sha1, (const unsigned char *)key.ptr, key.len);
  if (rc == 0)
    rc = mbedtls_sha1_update(&sha1, (const unsigned char *)accept_guid, sizeof(accept_guid) - 1);
  if (rc == 0)
    rc = mbedtls_sha1_finish(&sha1, hash);
  mbedtls_sha1_free(&sha1);
  if (rc != 0)
    return cd_fail_os(err, CD_E_INTERNAL, rc, "mbedTLS could not hash a WebSocket key");
  cd_base64_text(out, hash, sizeof(hash));
  return CD_OK;
}

/* ---- the request ---- */

/* Printable ASCII; `space` says whether spaces may be in it. */
static bool is_printable(cd_str s, bool space)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] < (space ? 0x20 : 0x21) || s.ptr[i] > 0x7e)
      return false;
  return true;
}

static cd_code check_request(const cd_ws_request *r, cd_err *err)
{
  uint8_t key[CD_WS_KEY_BYTES];
  size_t len = 0;
  if (!cd_http_host_valid(r->host))
    return cd_fail(err, CD_E_INVALID, "the console's host is no name and no address");
  if (r->path.len == 0 || r->path.ptr[0] != '/' || r->path.len > CD_HTTP_PATH_MAX ||
      !is_printable(r->path, false))
    return cd_fail(
        err, CD_E_INVALID,
        "the console's path must begin with '/' and be of at most %u printable characters",
        CD_HTTP_PATH_MAX);
  if (!cd_base64_decode(r->key, key, sizeof(key), &len) || len != sizeof(key))
    return cd_fail(err, CD_E_INVALID, "a WebSocket key is 16 bytes in base64");
  if (r->protocol.len == 0 || r->protocol.len > 64 || !is_printable(r->protocol, false) ||
      memchr(r->protocol.ptr, ',', r->protocol.len) != NULL)
    return cd_fail(err, CD_E_INVALID, "the WebSocket subprotocol must be one word");
  if (r->agent.len > 128 || !is_printable(r->agent, true))
    return cd_fail(err, CD_E_INVALID, "the user agent must be of at most 128 printable characters");
  return CD_OK;
}

cd_code cd_ws_request_write(const cd_ws_request *r, cd_buf *out, cd_err *err)
{
  cd_code rc = check_request(r, err);
  if (rc != CD_OK)
    return rc;
  cd_buf_addf(out, "GET %.*s HTTP/1.1\r\nHost: ", CD_STR_ARG(r->path));
  if (r->port == 443 && memchr(r->host.ptr, ':', r->host.len) == NULL)
    cd_buf_add_str(out, r->host);
  else
    cd_http_authority_add(out, r->host, r->port);
  cd_buf_addf(out,
              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %.*s\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %.*s\r\n",
              CD_STR_ARG(r->key), CD_STR_ARG(r->protocol));
  if (r->agent.len > 0)
    cd_buf_addf(out, "User-Agent: %.*s\r\n", CD_STR_ARG(r->agent));
  cd_buf_add_cstr(out, "\r\n");
  return cd_buf_status(out, "the WebSocket request", err);
}

/* ---- the response ---- */

static cd_code not_switched(const cd_http_head *h, cd_err *err)
{
  char status[CD_HTTP_STATUS_TEXT_MAX];
  cd_code code = CD_E_INVALID;
  if (h->status == 429 || (h->status >= 502 && h->status <= 504))
    code = CD_E_UNAVAILABLE;
  else if (h->status == 401 || h->status == 403 || h->status == 407)
    code = CD_E_DENIED;
  cd_http_head_status_text(h, status);
  return cd_fail(err, code, "the console answered '%s' instead of switching to WebSocket", status);
}

static cd_code check_accept(const cd_http_head *h, cd_str key, cd_err *err)
{
  char expected[CD_WS_ACCEPT_MAX];
  cd_str accept = {0};
  cd_code rc = cd_ws_accept(key, expected, err);
  if (rc != CD_OK)
    return rc;
  if (cd_http_head_find(h, "Sec-WebSocket-Accept", &accept) != 1 ||
      !cd_str_eq_cstr(accept, expected))
    return cd_fail(
        err, CD_E_INVALID,
        "the console's WebSocket answer is to another request: Sec-WebSocket-Accept does "
        "not belong to the key");
  return CD_OK;
}

cd_code cd_ws_response_check(const cd_http_head *h, const cd_ws_request *r, cd_err *err)
{
  cd_str value = {0};
  if (!h->complete)
    return cd_fail(err, CD_E_INTERNAL, "a WebSocket answer was judged before it was complete");
  if (h->status != 101)
    return not_switched(h, err);
  if (h->minor < 1)
    return cd_fail(err, CD_E_INVALID, "the console's WebSocket answer is not HTTP/1.1");
  if (!cd_http_head_has_token(h, "Upgrade", "websocket") ||
      !cd_http_head_has_token(h, "Connection", "upgrade"))
    return cd_fail(
        err, CD_E_INVALID,
        "the console switched protocols, but not to WebSocket: Upgrade or Connection does "
        "not say so");
  if (cd_http_head_find(h, "Sec-WebSocket-Protocol", &value) != 1 || !cd_str_eq(value, r->protocol))
    return cd_fail(err, CD_E_INVALID, "the console does not speak '%.*s'", CD_STR_ARG(r->protocol));
  if (cd_http_head_find(h, "Sec-WebSocket-Extensions", NULL) != 0)
    return cd_fail(err, CD_E_INVALID,
                   "the console uses a WebSocket extension that was not offered");
  return check_accept(h, r->key, err);
}
