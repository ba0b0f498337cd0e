#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remediate.h"
#include "support/csv.h"
#include "support/json.h"
#include "support/utf8.h"

#define NUMBER_END 9007199254740992.0

char *rem_base64(const void *bytes, size_t len)
{
  struct base64_encode_ctx c;
  char *text = malloc(BASE64_ENCODE_LENGTH(len) + BASE64_ENCODE_FINAL_LENGTH + 1);
  if (text == NULL)
    return NULL;
  base64url_encode_init(&c);
  size_t made = base64_encode_update(&c, text, len, bytes);
  made += base64_encode_final(&c, text + made);
  while (made > 0 && text[made - 1] == '=')
    made--;
  text[made] = '\0';
  return text;
}

bool rem_unbase64(const char *text, uint8_t *ret_bytes, size_t size, size_t *ret_len)
{
  struct base64_decode_ctx c;
  size_t len = strlen(text);
  size_t got = BASE64_DECODE_LENGTH(len);
  size_t more = 0;
  uint8_t *room = malloc(got + 4);
  base64url_decode_init(&c);
  bool ok = room != NULL && base64_decode_update(&c, &got, room, len, text) != 0;
  if (ok && len % 4 != 0) {
    ok = base64_decode_update(&c, &more, room + got, 4 - len % 4, "===") != 0;
    got += more;
  }
  ok = ok && base64_decode_final(&c) != 0 && got <= size;
  if (ok && got > 0)
    memcpy(ret_bytes, room, got);
  if (ok)
    *ret_len = got;
  free(room);
  return ok;
}

void rem_hex(const uint8_t *bytes, size_t len, char *ret_text)
{
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    ret_text[2 * i] = digits[bytes[i] >> 4];
    ret_text[2 * i + 1] = digits[bytes[i] & 15u];
  }
  ret_text[2 * len] = '\0';
}

static int digit(char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rem_unhex(const char *text, uint8_t *ret_bytes, size_t len)
{
  if (strlen(text) != 2 * len)
    return false;
  for (size_t i = 0; i < len; i++) {
    int high = digit(text[2 * i]);
    int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    ret_bytes[i] = (uint8_t)(high * 16 + low);
  }
  return true;
}

cordon_status rem_bytes_get(const cJSON *object, const char *name, char *ret_bytes, size_t size,
                            sup_err *err)
{
  static const char *const only[] = {"base64", NULL};
  const cJSON *v = sup_json_get(object, name);
  size_t len = 0;
  if (cJSON_IsString(v)) {
    len = strlen(v->valuestring);
    if (len >= size)
      return sup_fail(err, CORDON_E_INVALID, "%s has more than %zu bytes", name, size - 1);
    memcpy(ret_bytes, v->valuestring, len + 1);
    return CORDON_OK;
  }
  if (!cJSON_IsObject(v))
    return sup_fail(err, CORDON_E_INVALID, "%s is missing, or neither text nor base64", name);
  cordon_status status = sup_json_members(v, name, only, err);
  if (status != CORDON_OK)
    return status;
  const cJSON *text = sup_json_get(v, "base64");
  if (!cJSON_IsString(text) ||
      !rem_unbase64(text->valuestring, (uint8_t *)ret_bytes, size - 1, &len) ||
      memchr(ret_bytes, 0, len) != NULL)
    return sup_fail(err, CORDON_E_INVALID, "%s.base64 is no base64url of at most %zu bytes", name,
                    size - 1);
  ret_bytes[len] = '\0';
  return CORDON_OK;
}

static bool is_utf8(const char *bytes)
{
  size_t len = strlen(bytes);
  for (size_t i = 0; i < len;) {
    size_t step = sup_utf8_sequence(bytes + i, len - i);
    if (step == 0)
      return false;
    i += step;
  }
  return true;
}

void rem_bytes_put(cJSON *object, const char *name, const char *bytes)
{
  if (is_utf8(bytes)) {
    (void)cJSON_AddStringToObject(object, name, bytes);
    return;
  }
  char *text = rem_base64(bytes, strlen(bytes));
  cJSON *v = cJSON_AddObjectToObject(object, name);
  (void)cJSON_AddStringToObject(v, "base64", text != NULL ? text : "");
  free(text);
}

const char *rem_show(const char *bytes, char ret_text[REM_SHOW])
{
  sup_csv_escape(bytes, strlen(bytes), ret_text, REM_SHOW);
  return ret_text;
}

bool rem_is_name(const char *text, size_t max)
{
  static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  size_t len = text != NULL ? strlen(text) : 0;
  return len > 0 && len <= max && text[0] != '.' && strspn(text, set) == len;
}

bool rem_number(const cJSON *object, const char *name, uint64_t *ret_number)
{
  const cJSON *v = sup_json_get(object, name);
  if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble < NUMBER_END) ||
      v->valuedouble != (double)(uint64_t)v->valuedouble)
    return false;
  *ret_number = (uint64_t)v->valuedouble;
  return true;
}
