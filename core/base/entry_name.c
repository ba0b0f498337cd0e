#include "base/entry_name.h"

#include <string.h>

#include "base/banned.h"

/* The case of ASCII letters does not matter. `plain` is in lower case. */
static bool is_same(cd_str text, const char *plain)
{
  size_t i = 0;
  for (; i < text.len && plain[i] != '\0'; i++) {
    char c = text.ptr[i];
    if (c >= 'A' && c <= 'Z')
      c = (char)(c - 'A' + 'a');
    if (c != plain[i])
      return false;
  }
  return i == text.len && plain[i] == '\0';
}

/* Names of devices, whatever comes after the first dot: Windows opens the device, in any folder. */
static bool is_device(cd_str part)
{
  static const char *const devices[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
  static const char *const numbered[] = {"com", "lpt"};
  /* Superscript one, two and three are digits to Windows. */
  static const char *const digits[] = {"0", "1", "2", "3",        "4",        "5",       "6",
                                       "7", "8", "9", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3"};
  cd_str stem = cd_str_cut(&part, '.');
  while (stem.len > 0 && stem.ptr[stem.len - 1] == ' ')
    stem.len--;
  for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
    if (is_same(stem, devices[i]))
      return true;
  }
  if (stem.len < 4)
    return false;
  cd_str digit = {stem.ptr + 3, stem.len - 3};
  stem.len = 3;
  if (!is_same(stem, numbered[0]) && !is_same(stem, numbered[1]))
    return false;
  for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++) {
    if (cd_str_eq_cstr(digit, digits[i]))
      return true;
  }
  return false;
}

static cd_code check_part(cd_str part, cd_err *err)
{
  if (part.len == 0)
    return cd_fail(err, CD_E_INVALID, "the name has an empty part");
  if (part.len > CD_ENTRY_PART_MAX)
    return cd_fail(err, CD_E_LIMIT, "a part of the name has %zu bytes, the limit is %u", part.len,
                   CD_ENTRY_PART_MAX);
  if (cd_str_eq_cstr(part, ".") || cd_str_eq_cstr(part, ".."))
    return cd_fail(err, CD_E_INVALID, "a part of the name is '%.*s', which is no name",
                   CD_STR_ARG(part));
  char last = part.ptr[part.len - 1];
  /* Windows drops such an end, and finds another file. */
  if (last == '.' || last == ' ')
    return cd_fail(err, CD_E_INVALID, "a part of the name ends in a dot or a space");
  if (is_device(part))
    return cd_fail(err, CD_E_INVALID, "a part of the name is that of a device of Windows");
  return CD_OK;
}

static cd_code check_bytes(cd_str name, cd_err *err)
{
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = (unsigned char)name.ptr[i];
    if (c < 0x20 || c == 0x7f || strchr("\\:*?<>|\"", c) != NULL)
      return cd_fail(err, CD_E_INVALID,
                     "the name has a character at byte %zu that not every system takes", i);
  }
  if (!cd_str_utf8_valid(name))
    return cd_fail(err, CD_E_INVALID, "the name is not UTF-8");
  return CD_OK;
}

cd_code cd_entry_name_check(cd_str name, cd_err *err)
{
  size_t parts = 0;
  if (name.len == 0)
    return cd_fail(err, CD_E_INVALID, "the name is empty");
  if (name.len > CD_ENTRY_NAME_MAX)
    return cd_fail(err, CD_E_LIMIT, "the name has %zu bytes, the limit is %u", name.len,
                   CD_ENTRY_NAME_MAX);
  if (name.ptr[0] == '/' || name.ptr[name.len - 1] == '/')
    return cd_fail(err, CD_E_INVALID, "the name begins or ends with a slash");
  cd_code rc = check_bytes(name, err);
  cd_str rest = name;
  while (rc == CD_OK && rest.len > 0) {
    rc = check_part(cd_str_cut(&rest, '/'), err);
    if (rc == CD_OK && ++parts > CD_ENTRY_DEPTH_MAX)
      rc = cd_fail(err, CD_E_LIMIT, "the name has more than %u parts", CD_ENTRY_DEPTH_MAX);
  }
  return rc;
}

/* FNV-1a over the letters in lower case; 0 is made for nobody, so that a table may have it for
 * free. */
uint64_t cd_entry_name_hash(cd_str name)
{
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < name.len; i++) {
    unsigned char c = (unsigned char)name.ptr[i];
    if (c >= 'A' && c <= 'Z')
      c = (unsigned char)(c - 'A' + 'a');
    hash = (hash ^ c) * UINT64_C(0x100000001b3);
  }
  return hash != 0 ? hash : 1;
}
