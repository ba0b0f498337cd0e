/* What clamd says: records of bytes that may hold names of anybody's making. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clamav.h"

static bool ends_with(const char *text, size_t len, const char *end)
{
  size_t n = strlen(end);
  return len >= n && memcmp(text + len - n, end, n) == 0;
}

static void keep(char ret_text[CLAM_SIGNATURE], const char *text, size_t len)
{
  size_t at = 0;
  for (size_t i = 0; i < len && at + 1 < CLAM_SIGNATURE; i++)
    ret_text[at++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
  ret_text[at] = '\0';
}

/* What stands behind the last ": ": names may have some of their own. */
static size_t last_part(const char *text, size_t len)
{
  for (size_t i = len; i >= 2; i--) {
    if (text[i - 2] == ':' && text[i - 1] == ' ')
      return i;
  }
  return 0;
}

static uint64_t take_id(const char **text, size_t *len)
{
  uint64_t id = 0;
  size_t i = 0;
  while (i < *len && i < 18 && (*text)[i] >= '0' && (*text)[i] <= '9') {
    id = id * 10 + (uint64_t)((*text)[i] - '0');
    i++;
  }
  if (i == 0 || i + 2 > *len || (*text)[i] != ':' || (*text)[i + 1] != ' ')
    return 0;
  *text += i + 2;
  *len -= i + 2;
  return id;
}

static bool is_about_limits(const char *signature)
{
  return strncmp(signature, "Heuristics.Limits.Exceeded", 26) == 0;
}

static bool is_about_encryption(const char *signature)
{
  return strncmp(signature, "Heuristics.Encrypted.", 21) == 0;
}

static clam_verdict verdict_of(const char *signature)
{
  return is_about_limits(signature)       ? CLAM_LIMITS
         : is_about_encryption(signature) ? CLAM_ENCRYPTED
                                          : CLAM_FOUND;
}

void clam_reply_read(const char *record, size_t len, clam_reply *ret_reply)
{
  clam_reply *r = ret_reply;
  *r = (clam_reply){0};
  r->id = take_id(&record, &len);
  if (len == 4 && memcmp(record, "PONG", 4) == 0) {
    r->verdict = CLAM_PONG;
  } else if (ends_with(record, len, " FOUND")) {
    size_t from = last_part(record, len - 6);
    keep(r->text, record + from, len - 6 - from);
    r->verdict = verdict_of(r->text);
  } else if (ends_with(record, len, " ERROR")) {
    size_t from = last_part(record, len - 6);
    keep(r->text, record + from, len - 6 - from);
    r->verdict = CLAM_ERROR;
  } else if (ends_with(record, len, ": OK")) {
    r->verdict = CLAM_OK;
  } else {
    keep(r->text, record, len);
  }
}

/* ClamAV 1.4.6/27000/Sun Oct 22 04:33:00 2026 */
bool clam_version_read(const char *record, size_t len, clam_version *ret_version)
{
  static const char name[] = "ClamAV ";
  char text[CLAM_SIGNATURE];
  struct tm tm = {0};
  *ret_version = (clam_version){0};
  if (len <= sizeof(name) - 1 || memcmp(record, name, sizeof(name) - 1) != 0)
    return false;
  keep(text, record + sizeof(name) - 1, len - (sizeof(name) - 1));
  size_t engine = strcspn(text, "/");
  (void)snprintf(ret_version->engine, sizeof(ret_version->engine), "%.*s", (int)engine, text);
  const char *at = text + engine;
  if (*at != '/')
    return true;
  for (at++; *at >= '0' && *at <= '9' && ret_version->database < UINT64_C(1) << 40; at++)
    ret_version->database = ret_version->database * 10 + (uint64_t)(*at - '0');
  if (*at == '/' && strptime(at + 1, "%a %b %d %H:%M:%S %Y", &tm) != NULL) {
    int64_t seconds = (int64_t)timegm(&tm);
    ret_version->built_ms = seconds > 0 ? seconds * 1000 : 0;
  }
  return true;
}
