/* All that a file is besides its bytes: attributes, times, whom it belongs to and who may do what
 * with it, and the names of its streams. */
#include "remediate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <sddl.h>
#include <winioctl.h>

#include "support/json.h"
#include "support/utf16.h"
#include "support/wide.h"

enum { STREAMS_BYTES = 64 * 1024 };

/* Those that can be set; compression has a call of its own. */
#define SETTABLE                                                                                   \
  (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |                       \
   FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)
#define COMPARED (SETTABLE | FILE_ATTRIBUTE_COMPRESSED)
#define PARTS (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION)

/* ---- reading ---- */

static bool read_descriptor(HANDLE h, SECURITY_INFORMATION parts, uint8_t **ret, uint32_t *ret_len)
{
  DWORD len = 0;
  uint8_t *room = malloc(REM_DESCRIPTOR);
  bool good = room != NULL && GetKernelObjectSecurity(h, parts, room, REM_DESCRIPTOR, &len) &&
              IsValidSecurityDescriptor(room);
  if (!good) {
    free(room);
    return false;
  }
  *ret = room;
  *ret_len = GetSecurityDescriptorLength(room);
  return true;
}

static bool is_besides(const FILE_STREAM_INFO *s)
{
  return s->StreamNameLength != 7 * sizeof(wchar_t) || wcsncmp(s->StreamName, L"::$DATA", 7) != 0;
}

static cordon_status add_stream(rem_attrs *a, const FILE_STREAM_INFO *s, sup_err *err)
{
  rem_stream *to = &a->streams[a->stream_count];
  size_t units = s->StreamNameLength / sizeof(wchar_t);
  if (a->stream_count >= REM_STREAMS || units >= sizeof(to->name) / sizeof(to->name[0]))
    return sup_fail(err, CORDON_E_LIMIT, "the file has more than %d streams: nothing was changed",
                    REM_STREAMS);
  memcpy(to->name, s->StreamName, s->StreamNameLength);
  to->name[units] = L'\0';
  to->size = (uint64_t)s->StreamSize.QuadPart;
  a->stream_count++;
  return CORDON_OK;
}

/* Only what says that there is nobody to ask is taken for that: after any other failure the streams
 * would be lost unseen. So they would where the volume has streams and does not list them. */
static cordon_status judge_no_list(HANDLE h, DWORD error, rem_attrs *a, sup_err *err)
{
  DWORD flags = 0;
  if (error == ERROR_MORE_DATA)
    return sup_fail(err, CORDON_E_LIMIT,
                    "the file has more streams than can be listed: nothing was changed");
  if (error == ERROR_HANDLE_EOF) {
    a->streams_known = true;
    return CORDON_OK;
  }
  if (error != ERROR_INVALID_PARAMETER && error != ERROR_NOT_SUPPORTED &&
      error != ERROR_INVALID_FUNCTION && error != ERROR_CALL_NOT_IMPLEMENTED)
    return sup_fail_os(err, (int)error,
                       "the streams of the file cannot be listed, and nothing was changed");
  if (GetVolumeInformationByHandleW(h, NULL, 0, NULL, NULL, &flags, NULL, 0) &&
      (flags & FILE_NAMED_STREAMS) != 0)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "the volume has streams and does not list those of the file: nothing was "
                    "changed");
  return CORDON_OK;
}

/* Where the file system does not tell them, it has none to tell, or this system cannot ask. */
static cordon_status read_streams(HANDLE h, rem_attrs *a, sup_err *err)
{
  union {
    FILE_STREAM_INFO first;
    uint8_t bytes[STREAMS_BYTES];
  } *room = calloc(1, sizeof(*room));
  a->streams = calloc(REM_STREAMS, sizeof(*a->streams));
  cordon_status status = CORDON_OK;
  if (room == NULL || a->streams == NULL)
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory to list the streams of the file");
  else if (GetFileInformationByHandleEx(h, FileStreamInfo, room, sizeof(*room)))
    a->streams_known = true;
  else
    status = judge_no_list(h, GetLastError(), a, err);
  size_t at = 0;
  while (status == CORDON_OK && a->streams_known) {
    const FILE_STREAM_INFO *s = (const FILE_STREAM_INFO *)(const void *)(room->bytes + at);
    if (s->StreamNameLength > 0 && is_besides(s))
      status = add_stream(a, s, err);
    if (s->NextEntryOffset == 0)
      break;
    at += s->NextEntryOffset;
  }
  free(room);
  return status;
}

/* Not kept: programs have no call to set those of the kernel, and there are hardly others. */
static uint32_t count_extended(HANDLE h)
{
  enum { FILE_EA_INFORMATION = 7 };
  typedef LONG NTAPI query_fn(HANDLE, void *, void *, ULONG, int);
  query_fn *query = (query_fn *)sup_system_call(L"ntdll.dll", "NtQueryInformationFile");
  ULONG_PTR block[2] = {0};
  ULONG size = 0;
  return query != NULL && query(h, block, &size, sizeof(size), FILE_EA_INFORMATION) == 0 ? size : 0;
}

cordon_status rem_attrs_read(HANDLE h, rem_attrs *ret_attrs, sup_err *err)
{
  FILE_BASIC_INFO basic = {0};
  rem_attrs_release(ret_attrs);
  *ret_attrs = (rem_attrs){0};
  if (!rem_look_at(h, &ret_attrs->look) ||
      !GetFileInformationByHandleEx(h, FileBasicInfo, &basic, sizeof(basic)))
    return sup_fail_os(err, (int)GetLastError(), "the file cannot be looked at");
  ret_attrs->created = (uint64_t)basic.CreationTime.QuadPart;
  ret_attrs->accessed = (uint64_t)basic.LastAccessTime.QuadPart;
  ret_attrs->written = (uint64_t)basic.LastWriteTime.QuadPart;
  ret_attrs->changed = (uint64_t)basic.ChangeTime.QuadPart;
  if (!read_descriptor(h, PARTS | LABEL_SECURITY_INFORMATION, &ret_attrs->descriptor,
                       &ret_attrs->descriptor_len) &&
      !read_descriptor(h, PARTS, &ret_attrs->descriptor, &ret_attrs->descriptor_len))
    return sup_fail_os(err, (int)GetLastError(), "whose the file is cannot be read");
  if ((ret_attrs->look.attributes & FILE_ATTRIBUTE_ENCRYPTED) != 0)
    return sup_fail(err, CORDON_E_UNSUPPORTED,
                    "the file is encrypted for its user, and could not be given back so: it was "
                    "left");
  ret_attrs->extended = count_extended(h);
  return read_streams(h, ret_attrs, err);
}

void rem_attrs_let_go(rem_attrs *a)
{
  for (uint32_t i = 0; a->streams != NULL && i < a->stream_count; i++) {
    if (a->streams[i].held != NULL)
      rem_close(&a->streams[i].held);
    a->streams[i].held = NULL;
  }
}

void rem_attrs_release(rem_attrs *a)
{
  rem_attrs_let_go(a);
  free(a->descriptor);
  free(a->streams);
  a->descriptor = NULL;
  a->streams = NULL;
  a->descriptor_len = a->stream_count = 0;
}

static bool owner_of(PSECURITY_DESCRIPTOR sd, char ret_sid[REM_NAME])
{
  PSID owner = NULL;
  BOOL defaulted = FALSE;
  wchar_t *text = NULL;
  ret_sid[0] = '\0';
  if (sd == NULL || !GetSecurityDescriptorOwner(sd, &owner, &defaulted) || owner == NULL ||
      !ConvertSidToStringSidW(owner, &text))
    return false;
  sup_from_wide(text, ret_sid, REM_NAME);
  (void)LocalFree(text);
  return true;
}

void rem_attrs_owner(const rem_attrs *a, char ret_sid[REM_NAME])
{
  (void)owner_of(a->descriptor, ret_sid);
}

bool rem_owner_read(HANDLE h, char ret_sid[REM_NAME])
{
  uint8_t *sd = NULL;
  uint32_t len = 0;
  ret_sid[0] = '\0';
  bool known = read_descriptor(h, OWNER_SECURITY_INFORMATION, &sd, &len) && owner_of(sd, ret_sid);
  free(sd);
  return known;
}

/* ---- setting ---- */

void rem_attrs_times(HANDLE h, const rem_attrs *a)
{
  FILE_BASIC_INFO basic = {.CreationTime.QuadPart = (LONGLONG)a->created,
                           .LastAccessTime.QuadPart = (LONGLONG)a->accessed,
                           .LastWriteTime.QuadPart = (LONGLONG)a->written,
                           .ChangeTime.QuadPart = (LONGLONG)a->changed,
                           .FileAttributes = a->look.attributes & SETTABLE};
  if (basic.FileAttributes == 0)
    basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
  (void)SetFileInformationByHandle(h, FileBasicInfo, &basic, sizeof(basic));
}

static void say(char ret_why[REM_SHOW], const char *text)
{
  size_t len = strlen(ret_why);
  (void)snprintf(ret_why + len, REM_SHOW - len, "%s%s", len > 0 ? "; " : "", text);
}

static void set_part(HANDLE h, SECURITY_INFORMATION part, PSECURITY_DESCRIPTOR sd, const char *what,
                     char ret_why[REM_SHOW])
{
  char text[96];
  if (SetKernelObjectSecurity(h, part, sd))
    return;
  (void)snprintf(text, sizeof(text), "%s was refused with error %lu", what,
                 (unsigned long)GetLastError());
  say(ret_why, text);
}

/* As it is, not as what is above it would have it inherited. Each part by itself: an owner that is
 * refused costs neither the group nor the access list. */
void rem_attrs_give(HANDLE h, const rem_attrs *a, char ret_why[REM_SHOW])
{
  union {
    SECURITY_DESCRIPTOR_RELATIVE head;
    uint8_t bytes[REM_DESCRIPTOR];
  } *copy = malloc(sizeof(*copy));
  ret_why[0] = '\0';
  if (copy == NULL || a->descriptor_len > sizeof(*copy)) {
    free(copy);
    say(ret_why, "there is no memory to set whose it is");
    return;
  }
  memcpy(copy, a->descriptor, a->descriptor_len);
  SECURITY_INFORMATION dacl = (copy->head.Control & SE_DACL_PROTECTED) != 0
                                  ? PROTECTED_DACL_SECURITY_INFORMATION
                                  : UNPROTECTED_DACL_SECURITY_INFORMATION;
  /* What was inherited stays marked as that only if it is asked for. */
  if ((copy->head.Control & SE_DACL_AUTO_INHERITED) != 0)
    copy->head.Control |= SE_DACL_AUTO_INHERIT_REQ;
  if (copy->head.Sacl != 0)
    set_part(h, LABEL_SECURITY_INFORMATION, copy, "its integrity label", ret_why);
  set_part(h, OWNER_SECURITY_INFORMATION, copy, "its owner", ret_why);
  set_part(h, GROUP_SECURITY_INFORMATION, copy, "its group", ret_why);
  if (!SetKernelObjectSecurity(h, DACL_SECURITY_INFORMATION | dacl, copy))
    set_part(h, DACL_SECURITY_INFORMATION, copy, "its access list", ret_why);
  free(copy);
}

void rem_attrs_apply(HANDLE h, const rem_attrs *a)
{
  USHORT format = COMPRESSION_FORMAT_DEFAULT;
  DWORD got = 0;
  if ((a->look.attributes & FILE_ATTRIBUTE_COMPRESSED) != 0)
    (void)DeviceIoControl(h, FSCTL_SET_COMPRESSION, &format, sizeof(format), NULL, 0, &got, NULL);
  rem_attrs_times(h, a);
}

/* ---- comparing ---- */

static bool same_sid(PSID a, PSID b)
{
  return (a == NULL) == (b == NULL) && (a == NULL || EqualSid(a, b));
}

static bool same_acl(const ACL *a, const ACL *b)
{
  return (a == NULL) == (b == NULL) &&
         (a == NULL || (a->AclSize == b->AclSize && memcmp(a, b, a->AclSize) == 0));
}

static bool same_dacl(PSECURITY_DESCRIPTOR a, PSECURITY_DESCRIPTOR b)
{
  static const SECURITY_DESCRIPTOR_CONTROL kept = SE_DACL_PROTECTED | SE_DACL_AUTO_INHERITED;
  PACL acl[2] = {0};
  BOOL there[2] = {0};
  BOOL unused = FALSE;
  SECURITY_DESCRIPTOR_CONTROL control[2] = {0};
  DWORD revision = 0;
  PSECURITY_DESCRIPTOR sd[2] = {a, b};
  for (int i = 0; i < 2; i++)
    if (!GetSecurityDescriptorDacl(sd[i], &there[i], &acl[i], &unused) ||
        !GetSecurityDescriptorControl(sd[i], &control[i], &revision))
      return false;
  return there[0] == there[1] && same_acl(acl[0], acl[1]) &&
         ((control[0] ^ control[1]) & kept) == 0;
}

static bool same_label(PSECURITY_DESCRIPTOR a, PSECURITY_DESCRIPTOR b)
{
  PACL acl[2] = {0};
  BOOL there = FALSE;
  BOOL unused = FALSE;
  return GetSecurityDescriptorSacl(a, &there, &acl[0], &unused) &&
         GetSecurityDescriptorSacl(b, &there, &acl[1], &unused) && same_acl(acl[0], acl[1]);
}

/* All that differs, for each is something to be set by hand. */
static void descriptor_differs(PSECURITY_DESCRIPTOR a, PSECURITY_DESCRIPTOR b,
                               char ret_why[REM_SHOW])
{
  PSID sid[2] = {0};
  BOOL unused = FALSE;
  if (!GetSecurityDescriptorOwner(a, &sid[0], &unused) ||
      !GetSecurityDescriptorOwner(b, &sid[1], &unused) || !same_sid(sid[0], sid[1]))
    say(ret_why, "it has another owner");
  if (!GetSecurityDescriptorGroup(a, &sid[0], &unused) ||
      !GetSecurityDescriptorGroup(b, &sid[1], &unused) || !same_sid(sid[0], sid[1]))
    say(ret_why, "it has another group");
  if (!same_dacl(a, b))
    say(ret_why, "it has another access list");
  if (!same_label(a, b))
    say(ret_why, "it has another integrity label");
}

static const char *streams_differ(const rem_attrs *a, const rem_attrs *b)
{
  if (a->streams_known != b->streams_known || a->stream_count != b->stream_count)
    return "it has other streams";
  for (uint32_t i = 0; i < a->stream_count; i++) {
    uint32_t k = 0;
    while (k < b->stream_count && (wcscmp(a->streams[i].name, b->streams[k].name) != 0 ||
                                   a->streams[i].size != b->streams[k].size))
      k++;
    if (k == b->stream_count)
      return "it has other streams";
  }
  return NULL;
}

/* Not the time of the last change: to give it back is one, and no system but Windows lets it be
 * set. All that differs is told. */
bool rem_attrs_same(HANDLE h, const rem_attrs *a, char ret_why[REM_SHOW])
{
  rem_attrs now = {0};
  sup_err err = {0};
  ret_why[0] = '\0';
  if (rem_attrs_read(h, &now, &err) != CORDON_OK) {
    say(ret_why, err.sentence);
    rem_attrs_release(&now);
    return false;
  }
  if (((now.look.attributes ^ a->look.attributes) & COMPARED) != 0)
    say(ret_why, "it has other attributes");
  if (now.look.size != a->look.size)
    say(ret_why, "it has another size");
  if (now.written != a->written || now.created != a->created)
    say(ret_why, "it has other times");
  descriptor_differs(a->descriptor, now.descriptor, ret_why);
  const char *streams = streams_differ(a, &now);
  if (streams != NULL)
    say(ret_why, streams);
  rem_attrs_release(&now);
  return ret_why[0] == '\0';
}

cordon_status rem_attrs_streams_stay(HANDLE h, const rem_attrs *a, sup_err *err)
{
  rem_attrs now = {0};
  cordon_status status = read_streams(h, &now, err);
  if (status == CORDON_OK && streams_differ(a, &now) != NULL)
    status = sup_fail(err, CORDON_E_CONFLICT,
                      "the file has other streams than when it was sealed: it was left");
  rem_attrs_release(&now);
  return status;
}

/* In this order, for it is the order of the description. */
bool rem_attrs_equal(const rem_attrs *a, const rem_attrs *b)
{
  bool same = a->look.size == b->look.size && a->look.links == b->look.links &&
              rem_same_file(&a->look.identity, &b->look.identity) &&
              a->look.attributes == b->look.attributes && a->created == b->created &&
              a->accessed == b->accessed && a->written == b->written && a->changed == b->changed &&
              a->descriptor_len == b->descriptor_len &&
              memcmp(a->descriptor, b->descriptor, a->descriptor_len) == 0 &&
              a->streams_known == b->streams_known && a->stream_count == b->stream_count;
  for (uint32_t i = 0; same && i < a->stream_count; i++)
    same = wcscmp(a->streams[i].name, b->streams[i].name) == 0 &&
           a->streams[i].size == b->streams[i].size &&
           strcmp(a->streams[i].sha256, b->streams[i].sha256) == 0;
  return same;
}

/* ---- on the disk ---- */

bool rem_text_of(const wchar_t *name, char *ret_text, size_t size)
{
  wchar_t again[REM_PATH];
  bool cut = false;
  (void)sup_utf16_text(name, wcslen(name), ret_text, size, &cut);
  return !cut && sup_to_wide(ret_text, again, REM_PATH) && wcscmp(again, name) == 0;
}

/* NTFS takes any units for the name of a stream. What is no text is kept as its units. */
static void write_name(const wchar_t *units, cJSON *to)
{
  char name[3 * (REM_NAME + 48)];
  char show[REM_SHOW];
  if (rem_text_of(units, name, sizeof(name))) {
    (void)cJSON_AddStringToObject(to, "name", name);
    return;
  }
  char *hex = rem_hex(units, wcslen(units) * sizeof(*units));
  (void)cJSON_AddStringToObject(to, "name", rem_show(name, show));
  (void)cJSON_AddStringToObject(to, "units", hex != NULL ? hex : "");
  free(hex);
}

static void write_streams(const rem_attrs *a, cJSON *to)
{
  cJSON *list = cJSON_AddArrayToObject(to, "streams");
  for (uint32_t i = 0; i < a->stream_count; i++) {
    cJSON *item = cJSON_CreateObject();
    write_name(a->streams[i].name, item);
    rem_u64_put(item, "size", a->streams[i].size);
    (void)cJSON_AddStringToObject(item, "sha256", a->streams[i].sha256);
    (void)cJSON_AddItemToArray(list, item);
  }
}

void rem_attrs_write(const rem_attrs *a, cJSON *to)
{
  wchar_t *sddl = NULL;
  rem_u64_put(to, "size", a->look.size);
  rem_u64_put(to, "volume", a->look.identity.volume);
  rem_u64_put(to, "index", a->look.identity.index);
  rem_u64_put(to, "links", a->look.links);
  rem_u64_put(to, "attributes", a->look.attributes);
  rem_u64_put(to, "created", a->created);
  rem_u64_put(to, "accessed", a->accessed);
  rem_u64_put(to, "written", a->written);
  rem_u64_put(to, "changed", a->changed);
  char *hex = rem_hex(a->descriptor, a->descriptor_len);
  (void)cJSON_AddStringToObject(to, "descriptor", hex != NULL ? hex : "");
  free(hex);
  /* For people; the other is what is set. */
  if (ConvertSecurityDescriptorToStringSecurityDescriptorW(a->descriptor, SDDL_REVISION_1, PARTS,
                                                           &sddl, NULL)) {
    size_t size = 3 * wcslen(sddl) + 1;
    char *text = malloc(size);
    if (text != NULL)
      sup_from_wide(sddl, text, size);
    (void)cJSON_AddStringToObject(to, "sddl", text != NULL ? text : "");
    free(text);
    (void)LocalFree(sddl);
  }
  (void)cJSON_AddBoolToObject(to, "streams_known", a->streams_known);
  write_streams(a, to);
}

static bool parse_descriptor(const cJSON *from, rem_attrs *a)
{
  const cJSON *hex = sup_json_get(from, "descriptor");
  size_t len = cJSON_IsString(hex) ? strlen(hex->valuestring) / 2 : 0;
  if (len < sizeof(SECURITY_DESCRIPTOR_RELATIVE) || len > REM_DESCRIPTOR)
    return false;
  a->descriptor = malloc(len);
  a->descriptor_len = (uint32_t)len;
  return a->descriptor != NULL && rem_unhex(hex->valuestring, a->descriptor, len) &&
         IsValidSecurityDescriptor(a->descriptor) &&
         GetSecurityDescriptorLength(a->descriptor) == len;
}

static bool parse_name(const cJSON *item, wchar_t *ret_name, size_t size)
{
  const cJSON *name = sup_json_get(item, "name");
  const cJSON *units = sup_json_get(item, "units");
  bool good = false;
  if (cJSON_IsString(units)) {
    size_t len = strlen(units->valuestring) / 2;
    good = len % sizeof(wchar_t) == 0 && len / sizeof(wchar_t) < size &&
           rem_unhex(units->valuestring, ret_name, len);
    ret_name[good ? len / sizeof(wchar_t) : 0] = L'\0';
  } else {
    good = cJSON_IsString(name) && sup_to_wide(name->valuestring, ret_name, size);
  }
  return good && ret_name[0] == L':' && wcspbrk(ret_name, L"\\/") == NULL;
}

static bool parse_streams(const cJSON *from, rem_attrs *a)
{
  const cJSON *list = sup_json_get(from, "streams");
  const cJSON *item = NULL;
  uint8_t digest[32];
  a->streams_known = cJSON_IsTrue(sup_json_get(from, "streams_known"));
  a->streams = calloc(REM_STREAMS, sizeof(*a->streams));
  if (a->streams == NULL || !cJSON_IsArray(list) || cJSON_GetArraySize(list) > REM_STREAMS)
    return false;
  cJSON_ArrayForEach(item, list)
  {
    rem_stream *s = &a->streams[a->stream_count];
    const cJSON *sha256 = sup_json_get(item, "sha256");
    if (!parse_name(item, s->name, sizeof(s->name) / sizeof(s->name[0])) ||
        !rem_number(item, "size", &s->size) || !cJSON_IsString(sha256) ||
        !rem_unhex(sha256->valuestring, digest, sizeof(digest)))
      return false;
    (void)snprintf(s->sha256, sizeof(s->sha256), "%s", sha256->valuestring);
    a->stream_count++;
  }
  return true;
}

bool rem_attrs_parse(const cJSON *from, rem_attrs *ret_attrs)
{
  uint64_t attributes = 0;
  rem_attrs *a = ret_attrs;
  bool numbers =
      cJSON_IsObject(from) && rem_number(from, "size", &a->look.size) &&
      rem_number(from, "volume", &a->look.identity.volume) &&
      rem_number(from, "index", &a->look.identity.index) &&
      rem_number(from, "links", &a->look.links) && rem_number(from, "attributes", &attributes) &&
      attributes <= UINT32_MAX && rem_number(from, "created", &a->created) &&
      rem_number(from, "accessed", &a->accessed) && rem_number(from, "written", &a->written) &&
      rem_number(from, "changed", &a->changed);
  a->look.attributes = (uint32_t)attributes;
  return numbers && parse_descriptor(from, a) && parse_streams(from, a);
}
