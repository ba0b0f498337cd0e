/* The head of an HTTP answer, to the letter of RFC 9112: lines end with CR LF, no folded lines, no
 * space before a colon. What is looser has been used to make two readers see two answers. */
#include "protocol/http_head.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

void cd_http_head_init(cd_http_head *h)
{
  *h = (cd_http_head){.text = CD_BUF_INIT(CD_HTTP_HEAD_MAX)};
}

void cd_http_head_release(cd_http_head *h)
{
  cd_buf_release(&h->text);
  cd_http_head_init(h);
}

/* ---- characters ---- */

static bool is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* tchar of RFC 9110, section 5.6.2 */
static bool is_token_char(char c)
{
  return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_text(cd_str s)
{
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return false;
  }
  return true;
}

static char lower(char c)
{
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_any_case(cd_str a, const char *b)
{
  if (a.len != strlen(b))
    return false;
  for (size_t i = 0; i < a.len; i++)
    if (lower(a.ptr[i]) != lower(b[i]))
      return false;
  return true;
}

static cd_str trimmed(cd_str s)
{
  while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
    s = (cd_str){s.ptr + 1, s.len - 1};
  while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
    s.len--;
  return s;
}

/* ---- parsing ---- */

/* "HTTP/1.1 101 Switching Protocols"; the reason may be empty, even with its space missing. */
static bool parse_status_line(cd_http_head *h, cd_str line)
{
  if (line.len < 12 || !cd_str_starts(line, CD_STR("HTTP/1.")) || !is_digit(line.ptr[7]) ||
      line.ptr[8] != ' ')
    return false;
  for (size_t i = 9; i < 12; i++)
    if (!is_digit(line.ptr[i]))
      return false;
  if (line.len > 12 && line.ptr[12] != ' ')
    return false;
  h->minor = (unsigned)(line.ptr[7] - '0');
  h->status = (unsigned)(line.ptr[9] - '0') * 100 + (unsigned)(line.ptr[10] - '0') * 10 +
              (unsigned)(line.ptr[11] - '0');
  h->reason = line.len > 13 ? (cd_str){line.ptr + 13, line.len - 13} : (cd_str){"", 0};
  return h->status >= 100 && h->status <= 599 && is_text(h->reason);
}

static bool parse_field(cd_http_head *h, cd_str line)
{
  size_t n = 0;
  while (n < line.len && is_token_char(line.ptr[n]))
    n++;
  if (n == 0 || n == line.len || line.ptr[n] != ':')
    return false;
  cd_http_field *f = &h->fields[h->field_count++];
  f->name = (cd_str){line.ptr, n};
  f->value = trimmed((cd_str){line.ptr + n + 1, line.len - n - 1});
  return is_text(f->value);
}

static cd_code fail_head(cd_http_head *h, cd_code code, cd_err *err, const char *who,
                         const char *why)
{
  h->failed = code;
  return cd_fail(err, code, "%s sent an HTTP answer that %s", who, why);
}

static cd_code parse(cd_http_head *h, const char *who, cd_err *err)
{
  cd_str rest = cd_buf_view(&h->text);
  bool first = true;
  for (;;) {
    cd_str line = cd_str_cut(&rest, '\n');
    if (line.len == 0 || line.ptr[line.len - 1] != '\r')
      return fail_head(h, CD_E_INVALID, err, who, "has a line that does not end with CR LF");
    line.len--;
    if (line.len == 0)
      break;
    if (first && !parse_status_line(h, line))
      return fail_head(h, CD_E_INVALID, err, who, "does not begin with a status line of HTTP/1");
    if (!first && h->field_count >= CD_HTTP_FIELDS_MAX)
      return fail_head(h, CD_E_LIMIT, err, who, "has more than 64 header fields");
    if (!first && !parse_field(h, line))
      return fail_head(h, CD_E_INVALID, err, who, "has a malformed header field");
    first = false;
  }
  if (first)
    return fail_head(h, CD_E_INVALID, err, who, "does not begin with a status line of HTTP/1");
  h->complete = true;
  return CD_OK;
}

/* How much of "\r\n\r\n" is matched after one more byte. */
static unsigned match(unsigned matched, char c)
{
  static const char end[] = "\r\n\r\n";
  if (c == end[matched])
    return matched + 1;
  return c == '\r' ? 1 : 0;
}

cd_code cd_http_head_take(cd_http_head *h, const char *who, cd_str *input, cd_err *err)
{
  if (h->failed != CD_OK)
    return cd_fail(err, h->failed, "%s sent an HTTP answer that was refused already", who);
  if (h->complete)
    return CD_OK;
  if (input->len == 0)
    return CD_E_NOTFOUND;
  size_t n = 0;
  while (n < input->len && h->matched < 4)
    h->matched = match(h->matched, input->ptr[n++]);
  cd_buf_add(&h->text, input->ptr, n);
  *input = (cd_str){input->ptr + n, input->len - n};
  if (h->text.failed == CD_E_LIMIT)
    return fail_head(h, CD_E_LIMIT, err, who, "has a head of more than 16 KiB");
  if (h->text.failed != CD_OK)
    return fail_head(h, CD_E_INTERNAL, err, who, "there is no memory for");
  return h->matched < 4 ? CD_E_NOTFOUND : parse(h, who, err);
}

/* ---- asking ---- */

size_t cd_http_head_find(const cd_http_head *h, const char *name, cd_str *ret_value)
{
  size_t count = 0;
  for (unsigned i = 0; i < h->field_count; i++) {
    if (!equal_any_case(h->fields[i].name, name))
      continue;
    if (count++ == 0 && ret_value != NULL)
      *ret_value = h->fields[i].value;
  }
  return count;
}

bool cd_http_head_has_token(const cd_http_head *h, const char *name, const char *token)
{
  for (unsigned i = 0; i < h->field_count; i++) {
    if (!equal_any_case(h->fields[i].name, name))
      continue;
    cd_str rest = h->fields[i].value;
    while (rest.len > 0)
      if (equal_any_case(trimmed(cd_str_cut(&rest, ',')), token))
        return true;
  }
  return false;
}

bool cd_http_head_has_scheme(const cd_http_head *h, const char *name, const char *scheme)
{
  for (unsigned i = 0; i < h->field_count; i++) {
    if (!equal_any_case(h->fields[i].name, name))
      continue;
    cd_str rest = h->fields[i].value;
    while (rest.len > 0) {
      cd_str challenge = trimmed(cd_str_cut(&rest, ','));
      if (equal_any_case(cd_str_cut(&challenge, ' '), scheme))
        return true;
    }
  }
  return false;
}

uint32_t cd_http_head_retry_after_s(const cd_http_head *h)
{
  cd_str value = {0};
  uint64_t seconds = 0;
  if (cd_http_head_find(h, "Retry-After", &value) != 1 ||
      !cd_str_to_u64(value, UINT64_MAX, &seconds))
    return 0;
  return seconds < CD_RETRY_AFTER_MAX_S ? (uint32_t)seconds : CD_RETRY_AFTER_MAX_S;
}

void cd_http_head_status_text(const cd_http_head *h, char out[CD_HTTP_STATUS_TEXT_MAX])
{
  int n = snprintf(out, CD_HTTP_STATUS_TEXT_MAX, "%03u%s%.*s", h->status % 1000,
                   h->reason.len > 0 ? " " : "", (int)(h->reason.len < 64 ? h->reason.len : 64),
                   h->reason.len > 0 ? h->reason.ptr : "");
  for (int i = 0; i < n && i < CD_HTTP_STATUS_TEXT_MAX; i++)
    if (out[i] < 0x20 || out[i] > 0x7e)
      out[i] = '?';
}

/* ---- hosts ---- */

static bool is_ipv6_like(cd_str host)
{
  for (size_t i = 0; i < host.len; i++) {
    char c = lower(host.ptr[i]);
    if (!is_digit(c) && !(c >= 'a' && c <= 'f') && c != ':' && c != '.')
      return false;
  }
  return memchr(host.ptr, ':', host.len) != NULL;
}

bool cd_http_host_valid(cd_str host)
{
  if (host.len == 0 || host.len > CD_HTTP_HOST_MAX)
    return false;
  for (size_t i = 0; i < host.len; i++) {
    char c = host.ptr[i];
    if (!is_alnum(c) && c != '.' && c != '-' && c != '_')
      return is_ipv6_like(host);
  }
  return true;
}

void cd_http_authority_add(cd_buf *out, cd_str host, uint16_t port)
{
  bool v6 = memchr(host.ptr, ':', host.len) != NULL;
  cd_buf_addf(out, "%s%.*s%s:%u", v6 ? "[" : "", CD_STR_ARG(host), v6 ? "]" : "", port);
}
