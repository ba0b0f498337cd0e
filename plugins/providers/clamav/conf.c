/* clamd.conf, and the headers of its databases: text that others wrote. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clamav.h"

#define KIB UINT64_C(1024)

void clam_conf_init(clam_conf *c)
{
  *c = (clam_conf){.max_file = 100 * KIB * KIB,
                   .max_scan = 400 * KIB * KIB,
                   .max_scan_ms = 120000,
                   .max_threads = 10,
                   .opens_archives = true};
  (void)snprintf(c->database, sizeof(c->database), "/var/lib/clamav");
}

/* Digits and a unit; what is no number changes nothing. */
static void take_size(const char *value, size_t len, uint64_t *ret_size)
{
  uint64_t n = 0;
  size_t i = 0;
  for (; i < len && value[i] >= '0' && value[i] <= '9'; i++) {
    if (n > UINT64_MAX / 100)
      return;
    n = n * 10 + (uint64_t)(value[i] - '0');
  }
  if (i == 0)
    return;
  char unit = i < len ? value[i] : '\0';
  uint64_t times = unit == 'K' || unit == 'k'   ? KIB
                   : unit == 'M' || unit == 'm' ? KIB * KIB
                   : unit == 'G' || unit == 'g' ? KIB * KIB * KIB
                                                : 1;
  if (n > UINT64_MAX / times)
    return;
  *ret_size = n * times;
}

static void take_path(const char *value, size_t len, char ret_path[SUP_PATH])
{
  if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
    value++;
    len -= 2;
  }
  if (len == 0 || len >= SUP_PATH || value[0] != '/' || memchr(value, '\0', len) != NULL)
    return;
  memcpy(ret_path, value, len);
  ret_path[len] = '\0';
}

/* As clamd reads them; another word changes nothing. */
static void take_flag(const char *value, size_t len, bool *ret_flag)
{
  static const char *const words[] = {"no", "yes", "0", "1", "false", "true", "off", "on"};
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (strlen(words[i]) == len && strncasecmp(words[i], value, len) == 0)
      *ret_flag = i % 2 == 1;
}

static bool is_space(char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

static bool is_key(const char *line, size_t len, const char *key)
{
  return strlen(key) == len && memcmp(line, key, len) == 0;
}

/* True: the line was one of those about what clamd tells. */
static bool take_told(clam_conf *c, const char *line, size_t key, const char *value, size_t len)
{
  if (is_key(line, key, "AlertEncryptedArchive"))
    take_flag(value, len, &c->tells_archives);
  else if (is_key(line, key, "AlertEncryptedDoc"))
    take_flag(value, len, &c->tells_documents);
  else if (is_key(line, key, "ScanArchive"))
    take_flag(value, len, &c->opens_archives);
  else if (is_key(line, key, "AlertEncrypted")) {
    take_flag(value, len, &c->tells_archives);
    take_flag(value, len, &c->tells_documents);
  } else
    return false;
  return true;
}

void clam_conf_line(clam_conf *c, const char *line, size_t len)
{
  while (len > 0 && is_space(*line)) {
    line++;
    len--;
  }
  while (len > 0 && is_space(line[len - 1]))
    len--;
  size_t key = 0;
  while (key < len && !is_space(line[key]))
    key++;
  size_t at = key;
  while (at < len && is_space(line[at]))
    at++;
  if (key == 0 || at == len || line[0] == '#')
    return;
  const char *value = line + at;
  uint64_t threads = c->max_threads;
  if (take_told(c, line, key, value, len - at))
    return;
  if (is_key(line, key, "MaxFileSize"))
    take_size(value, len - at, &c->max_file);
  else if (is_key(line, key, "MaxScanSize"))
    take_size(value, len - at, &c->max_scan);
  else if (is_key(line, key, "MaxScanTime"))
    take_size(value, len - at, &c->max_scan_ms);
  else if (is_key(line, key, "MaxThreads"))
    take_size(value, len - at, &threads);
  else if (is_key(line, key, "LocalSocket"))
    take_path(value, len - at, c->socket);
  else if (is_key(line, key, "DatabaseDirectory"))
    take_path(value, len - at, c->database);
  if (threads >= 1 && threads <= 4096)
    c->max_threads = (uint32_t)threads;
}

void clam_conf_text(clam_conf *c, const char *text, size_t len)
{
  while (len > 0) {
    const char *end = memchr(text, '\n', len);
    size_t line = end != NULL ? (size_t)(end - text) : len;
    clam_conf_line(c, text, line);
    line += end != NULL ? 1 : 0;
    text += line;
    len -= line;
  }
}

/* ClamAV-VDB:time:version:signatures:level:md5:seal:builder:seconds */
bool clam_cvd_read(const char *header, size_t len, clam_cvd *ret_cvd)
{
  static const char magic[] = "ClamAV-VDB:";
  uint64_t numbers[9] = {0};
  unsigned field = 1;
  if (len < sizeof(magic) - 1 || memcmp(header, magic, sizeof(magic) - 1) != 0)
    return false;
  bool digits = true;
  for (size_t i = sizeof(magic) - 1; i < len && field < 9; i++) {
    char c = header[i];
    if (c == ':') {
      field++;
      digits = true;
    } else if (c >= '0' && c <= '9' && digits && numbers[field] < UINT64_MAX / 100) {
      numbers[field] = numbers[field] * 10 + (uint64_t)(c - '0');
    } else {
      digits = false;
    }
  }
  if (field < 3)
    return false;
  *ret_cvd = (clam_cvd){.version = numbers[2], .signatures = numbers[3], .built_s = numbers[8]};
  if (ret_cvd->built_s > UINT64_C(1) << 40)
    ret_cvd->built_s = 0;
  return true;
}
