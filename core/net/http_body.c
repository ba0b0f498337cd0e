/* The body of an HTTP/1.1 answer, read to the letter: what could be read in two ways is refused. */
#include "http_body.h"

#include "protocol/secret.h"

#include "base/banned.h"

static cd_code broken(net_body *b, cd_err *err, const char *why)
{
  b->failed = CD_E_INVALID;
  return cd_fail(err, CD_E_INVALID, "the server's answer is broken: %s", why);
}

static cd_code too_large(net_body *b, cd_err *err)
{
  b->failed = CD_E_LIMIT;
  return cd_fail(err, CD_E_LIMIT, "the server's answer is larger than %zu bytes", b->bytes.max);
}

static cd_code begin_chunked(net_body *b, const cd_http_head *head, cd_str coding, bool has_length,
                             cd_err *err)
{
  if (has_length)
    return broken(b, err, "it has both Content-Length and Transfer-Encoding");
  if (head->minor < 1 || coding.len != 7 ||
      !cd_http_head_has_token(head, "Transfer-Encoding", "chunked"))
    return broken(b, err, "its Transfer-Encoding is another than chunked");
  b->kind = NET_BODY_CHUNKED;
  b->at = NET_BODY_AT_SIZE;
  return CD_OK;
}

cd_code net_body_begin(net_body *b, const cd_http_head *head, size_t max, cd_err *err)
{
  cd_str length = {0};
  cd_str coding = {0};
  size_t lengths = cd_http_head_find(head, "Content-Length", &length);
  size_t codings = cd_http_head_find(head, "Transfer-Encoding", &coding);
  *b = (net_body){.kind = NET_BODY_LENGTH, .at = NET_BODY_AT_DATA, .bytes = CD_BUF_INIT(max)};
  if (head->status == 204 || head->status == 304)
    return CD_OK;
  if (codings > 1 || lengths > 1)
    return broken(b, err, "it says more than once how long it is");
  if (codings == 1)
    return begin_chunked(b, head, coding, lengths > 0, err);
  if (lengths == 0) {
    b->kind = NET_BODY_UNTIL_END;
    return CD_OK;
  }
  if (!cd_str_to_u64(length, UINT64_MAX, &b->left))
    return broken(b, err, "its Content-Length is no number");
  return b->left > max ? too_large(b, err) : CD_OK;
}

static cd_code take_data(net_body *b, cd_str *input, uint64_t most, cd_err *err)
{
  size_t n = input->len < most ? input->len : (size_t)most;
  if (n > b->bytes.max - b->bytes.len)
    return too_large(b, err);
  cd_buf_add(&b->bytes, input->ptr, n);
  b->failed = b->bytes.failed;
  if (b->failed != CD_OK)
    return cd_fail(err, b->failed, "no memory for the server's answer");
  input->ptr += n;
  input->len -= n;
  return CD_OK;
}

/* CD_OK: a whole line without its end is in b->line, until the next call. */
static cd_code take_line(net_body *b, cd_str *input, cd_err *err)
{
  while (input->len > 0) {
    char c = *input->ptr++;
    input->len--;
    if (c == '\n') {
      if (b->line_len == 0 || b->line[b->line_len - 1] != '\r')
        return broken(b, err, "a line of its chunks does not end with CR LF");
      b->line_len--;
      return CD_OK;
    }
    if (b->line_len > 0 && b->line[b->line_len - 1] == '\r')
      return broken(b, err, "a line of its chunks has a CR inside");
    if (b->line_len == sizeof(b->line))
      return broken(b, err, "a line of its chunks is too long");
    b->line[b->line_len++] = c;
  }
  return CD_E_NOTFOUND;
}

static int hex_value(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

/* "1a" or "1a;extension": extensions are passed over, as a recipient may. */
static cd_code read_size(net_body *b, cd_err *err)
{
  uint64_t size = 0;
  size_t i = 0;
  for (; i < b->line_len && hex_value(b->line[i]) >= 0; i++) {
    if (i == 15)
      return broken(b, err, "a chunk's size has too many digits");
    size = size << 4 | (uint64_t)hex_value(b->line[i]);
  }
  if (i == 0 || (i < b->line_len && b->line[i] != ';' && b->line[i] != ' ' && b->line[i] != '\t'))
    return broken(b, err, "a chunk's size is no hexadecimal number");
  if (size > b->bytes.max - b->bytes.len)
    return too_large(b, err);
  b->left = size;
  b->at = size > 0 ? NET_BODY_AT_DATA : NET_BODY_AT_TRAILER;
  return CD_OK;
}

static cd_code on_line(net_body *b, cd_err *err)
{
  size_t len = b->line_len;
  cd_code rc = CD_OK;
  if (b->at == NET_BODY_AT_SIZE) {
    rc = read_size(b, err);
  } else if (b->at == NET_BODY_AT_DATA_END) {
    if (len > 0)
      return broken(b, err, "a chunk is longer than its size");
    b->at = NET_BODY_AT_SIZE;
  } else if (len == 0) {
    b->at = NET_BODY_AT_END;
  } else {
    b->trailer += len;
    if (b->trailer > NET_BODY_TRAILER_MAX)
      return broken(b, err, "its trailer is too long");
  }
  b->line_len = 0;
  return rc;
}

static cd_code take_chunks(net_body *b, cd_str *input, cd_err *err)
{
  while (b->at != NET_BODY_AT_END) {
    cd_code rc = CD_OK;
    if (b->at == NET_BODY_AT_DATA) {
      if (input->len == 0)
        return CD_E_NOTFOUND;
      size_t before = input->len;
      rc = take_data(b, input, b->left, err);
      b->left -= rc == CD_OK ? before - input->len : 0;
      if (rc == CD_OK && b->left == 0)
        b->at = NET_BODY_AT_DATA_END;
    } else {
      rc = take_line(b, input, err);
      if (rc == CD_OK)
        rc = on_line(b, err);
    }
    if (rc != CD_OK)
      return rc;
  }
  return CD_OK;
}

cd_code net_body_take(net_body *b, cd_str *input, cd_err *err)
{
  if (b->failed != CD_OK)
    return cd_fail(err, b->failed, "the server's answer has failed already");
  if (b->kind == NET_BODY_CHUNKED)
    return take_chunks(b, input, err);
  size_t before = input->len;
  cd_code rc = take_data(b, input, b->kind == NET_BODY_LENGTH ? b->left : UINT64_MAX, err);
  if (rc != CD_OK)
    return rc;
  if (b->kind == NET_BODY_UNTIL_END)
    return CD_E_NOTFOUND;
  b->left -= before - input->len;
  return b->left == 0 ? CD_OK : CD_E_NOTFOUND;
}

cd_code net_body_end(net_body *b, cd_err *err)
{
  if (b->failed == CD_OK && b->kind == NET_BODY_UNTIL_END)
    return CD_OK;
  return cd_fail(err, CD_E_IO, "the server ended the connection in the middle of its answer");
}

void net_body_release(net_body *b)
{
  cd_buf_wipe(&b->bytes);
}
