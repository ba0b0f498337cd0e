#include "sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <wincrypt.h>

#include <mscat.h>
#include <softpub.h>
#include <wintrust.h>

#include "file.h"
#include "support/wide.h"

#define PROGRAM_MAX (512 * COL_MIB)

enum { PROGRAMS_MAX = 16384, BUCKETS = 4096, HASH_MAX = 64 };

static bool is_embedded(const wchar_t *path);

/* ---- WinVerifyTrust ---- */

static void put_verdict(win_signature *s, const char *verdict)
{
  (void)snprintf(s->verdict, sizeof(s->verdict), "%s", verdict);
}

static void put_refusal(win_signature *s, const char *what, LONG result)
{
  (void)snprintf(s->verdict, sizeof(s->verdict), "not trusted (%s0x%08lx)", what,
                 (unsigned long)result);
}

static void read_signer(HANDLE state, win_signature *s)
{
  wchar_t name[WIN_SIGNER];
  CRYPT_PROVIDER_DATA *data = WTHelperProvDataFromStateData(state);
  CRYPT_PROVIDER_SGNR *signer =
      data != NULL ? WTHelperGetProvSignerFromChain(data, 0, FALSE, 0) : NULL;
  CRYPT_PROVIDER_CERT *cert = signer != NULL ? WTHelperGetProvCertFromChain(signer, 0) : NULL;
  if (cert == NULL || cert->pCert == NULL)
    return;
  if (CertGetNameStringW(cert->pCert, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, name, WIN_SIGNER) > 1)
    sup_from_wide(name, s->signer, sizeof(s->signer));
}

static LONG verify(WINTRUST_DATA *data, win_signature *s)
{
  GUID action = WINTRUST_ACTION_GENERIC_VERIFY_V2;
  data->cbStruct = sizeof(*data);
  data->dwUIChoice = WTD_UI_NONE;
  data->fdwRevocationChecks = WTD_REVOKE_NONE;
  data->dwStateAction = WTD_STATEACTION_VERIFY;
  data->dwProvFlags = WTD_CACHE_ONLY_URL_RETRIEVAL;
  LONG result = WinVerifyTrust(INVALID_HANDLE_VALUE, &action, data);
  read_signer(data->hWVTStateData, s);
  data->dwStateAction = WTD_STATEACTION_CLOSE;
  (void)WinVerifyTrust(INVALID_HANDLE_VALUE, &action, data);
  return result;
}

/* ---- catalogues ---- */

typedef BOOL WINAPI acquire_fn(HCATADMIN *, const GUID *, PCWSTR, const void *, DWORD);
typedef BOOL WINAPI hash_fn(HCATADMIN, HANDLE, DWORD *, BYTE *, DWORD);
typedef HCATINFO WINAPI find_fn(HCATADMIN, BYTE *, DWORD, DWORD, HCATINFO *);
typedef BOOL WINAPI info_fn(HCATINFO, CATALOG_INFO *, DWORD);
typedef BOOL WINAPI release_one_fn(HCATADMIN, HCATINFO, DWORD);
typedef BOOL WINAPI release_fn(HCATADMIN, DWORD);

typedef struct catalogues {
  acquire_fn *acquire;
  hash_fn *hash;
  find_fn *find;
  info_fn *info;
  release_one_fn *release_one;
  release_fn *release;
} catalogues;

/* The import library lacks some of them. */
static bool have_catalogues(catalogues *c)
{
  static const wchar_t library[] = L"wintrust.dll";
  c->acquire = (acquire_fn *)sup_system_call(library, "CryptCATAdminAcquireContext2");
  c->hash = (hash_fn *)sup_system_call(library, "CryptCATAdminCalcHashFromFileHandle2");
  c->find = (find_fn *)sup_system_call(library, "CryptCATAdminEnumCatalogFromHash");
  c->info = (info_fn *)sup_system_call(library, "CryptCATCatalogInfoFromContext");
  c->release_one = (release_one_fn *)sup_system_call(library, "CryptCATAdminReleaseCatalogContext");
  c->release = (release_fn *)sup_system_call(library, "CryptCATAdminReleaseContext");
  return c->acquire != NULL && c->hash != NULL && c->find != NULL && c->info != NULL &&
         c->release_one != NULL && c->release != NULL;
}

static LONG verify_in(const wchar_t *catalogue, const wchar_t *path, HANDLE file, BYTE *hash,
                      DWORD hash_len, HCATADMIN admin, win_signature *s)
{
  wchar_t tag[2 * HASH_MAX + 1];
  for (DWORD i = 0; i < hash_len; i++)
    (void)swprintf(tag + 2 * (size_t)i, 3, L"%02X", hash[i]);
  WINTRUST_CATALOG_INFO info = {.cbStruct = sizeof(info),
                                .pcwszCatalogFilePath = catalogue,
                                .pcwszMemberTag = tag,
                                .pcwszMemberFilePath = path,
                                .hMemberFile = file,
                                .pbCalculatedFileHash = hash,
                                .cbCalculatedFileHash = hash_len,
                                .hCatAdmin = admin};
  WINTRUST_DATA data = {.dwUnionChoice = WTD_CHOICE_CATALOG, .pCatalog = &info};
  return verify(&data, s);
}

/* False: no catalogue has the file. */
static bool try_catalogues(const wchar_t *path, HANDLE file, win_signature *s)
{
  catalogues c;
  BYTE hash[HASH_MAX];
  DWORD hash_len = HASH_MAX;
  HCATADMIN admin = NULL;
  bool found = false;
  if (!have_catalogues(&c) || !c.acquire(&admin, NULL, L"SHA256", NULL, 0))
    return false;
  if (c.hash(admin, file, &hash_len, hash, 0)) {
    HCATINFO one = c.find(admin, hash, hash_len, 0, NULL);
    CATALOG_INFO info = {.cbStruct = sizeof(info)};
    if (one != NULL && c.info(one, &info, 0)) {
      LONG result = verify_in(info.wszCatalogFile, path, file, hash, hash_len, admin, s);
      found = true;
      if (result == 0)
        put_verdict(s, "valid (catalogue)");
      else
        put_refusal(s, "catalogue, ", result);
    }
    if (one != NULL)
      (void)c.release_one(admin, one, 0);
  }
  (void)c.release(admin, 0);
  return found;
}

static bool is_none(LONG result)
{
  return result == TRUST_E_NOSIGNATURE || result == (LONG)TRUST_E_SUBJECT_FORM_UNKNOWN ||
         result == (LONG)TRUST_E_PROVIDER_UNKNOWN;
}

void win_signature_of(const wchar_t *path, win_signature *ret_signature)
{
  win_file f;
  *ret_signature = (win_signature){0};
  DWORD error = win_open(path, &f);
  if (error != 0) {
    (void)snprintf(ret_signature->verdict, WIN_VERDICT, "(not read: error %lu)",
                   (unsigned long)error);
    return;
  }
  WINTRUST_FILE_INFO info = {.cbStruct = sizeof(info), .pcwszFilePath = path, .hFile = f.handle};
  WINTRUST_DATA data = {.dwUnionChoice = WTD_CHOICE_FILE, .pFile = &info};
  LONG result = verify(&data, ret_signature);
  if (result == 0)
    put_verdict(ret_signature, "valid");
  else if (!is_none(result))
    put_refusal(ret_signature, "", result);
  else if (!try_catalogues(path, f.handle, ret_signature))
    put_verdict(ret_signature,
                is_embedded(path) ? "(there is one, which was not checked)" : "none");
  win_close(&f);
}

void win_mark_signatures(col_task *t)
{
  if (sup_is_wine())
    col_mark(t, COL_PARTIAL,
             "signatures are unsupported here: Wine's WinVerifyTrust finds none in any file");
}

/* ---- the file's own header ---- */

static uint32_t u32_at(const unsigned char *at)
{
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Whether a PE file has a table of certificates: its header says so, whatever the system finds. */
static bool is_embedded(const wchar_t *path)
{
  unsigned char head[4096];
  win_file f;
  if (win_open(path, &f) != 0)
    return false;
  size_t len = win_read(&f, head, sizeof(head));
  win_close(&f);
  if (len < 0x40 || head[0] != 'M' || head[1] != 'Z')
    return false;
  size_t pe = u32_at(head + 0x3c);
  if (pe > len || len - pe < 24 + 2 || memcmp(head + pe, "PE\0\0", 4) != 0)
    return false;
  bool is_64 = head[pe + 24] == 0x0b && head[pe + 25] == 0x02;
  size_t directory = pe + 24 + (is_64 ? 112 : 96) + 4 * 8;
  return directory + 8 <= len && u32_at(head + directory) != 0 && u32_at(head + directory + 4) != 0;
}

/* ---- programs ---- */

typedef struct program {
  struct program *next;
  char sha256[COL_SHA256_HEX + 1];
  char trouble[WIN_VERDICT];
  win_signature signature;
  wchar_t path[];
} program;

struct win_programs {
  program *buckets[BUCKETS];
  unsigned count;
};

win_programs *win_programs_new(void)
{
  return calloc(1, sizeof(win_programs));
}

void win_programs_free(win_programs *p)
{
  for (size_t i = 0; p != NULL && i < BUCKETS; i++) {
    while (p->buckets[i] != NULL) {
      program *gone = p->buckets[i];
      p->buckets[i] = gone->next;
      free(gone);
    }
  }
  free(p);
}

static size_t bucket_of(const wchar_t *path)
{
  uint32_t hash = 2166136261u;
  for (; *path != L'\0'; path++)
    hash = (hash ^ (uint32_t)towlower(*path)) * 16777619u;
  return hash % BUCKETS;
}

static program *look_at(col_task *t, win_programs *p, const wchar_t *path)
{
  size_t bucket = bucket_of(path);
  for (program *at = p->buckets[bucket]; at != NULL; at = at->next) {
    if (_wcsicmp(at->path, path) == 0)
      return at;
  }
  size_t len = wcslen(path);
  program *add =
      p->count < PROGRAMS_MAX ? calloc(1, sizeof(*add) + (len + 1) * sizeof(wchar_t)) : NULL;
  if (add == NULL)
    return NULL;
  wmemcpy(add->path, path, len + 1);
  DWORD error = win_sha256(t, path, PROGRAM_MAX, add->sha256);
  if (error == 0)
    win_signature_of(path, &add->signature);
  else
    (void)snprintf(add->trouble, sizeof(add->trouble), "(not read: error %lu)",
                   (unsigned long)error);
  add->next = p->buckets[bucket];
  p->buckets[bucket] = add;
  p->count++;
  return add;
}

void win_program_fields(col_task *t, win_programs *p, const wchar_t *path)
{
  const program *found = p != NULL && path != NULL && path[0] != L'\0' ? look_at(t, p, path) : NULL;
  if (found == NULL) {
    win_empty(t, 3);
    return;
  }
  col_text(t, found->trouble[0] != '\0' ? found->trouble : found->sha256);
  col_text(t, found->signature.verdict);
  col_text(t, found->signature.signer);
}
