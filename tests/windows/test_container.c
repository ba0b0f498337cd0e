/* The description of a container, written and read again: names that Wine's files cannot have. */
#include "remediate.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sddl.h>

static void describe(rem_meta *m, const wchar_t *stream)
{
  PSECURITY_DESCRIPTOR sd = NULL;
  ULONG len = 0;
  *m = (rem_meta){.id = "A1",
                  .action = "A1",
                  .path = "C:\\evil.exe",
                  .state = REM_SEALED,
                  .key = {1, 2, 3},
                  .nonce = {4, 5, 6},
                  .sealed_ms = 1700000000000,
                  .attrs = {.look = {.identity = {7, 0xfedcba9876543210u}, .size = 8, .links = 1},
                            .created = 9,
                            .streams_known = true,
                            .stream_count = 1}};
  memset(m->sha256, 'a', 64);
  memset(m->sha1, 'b', 40);
  ck_assert(ConvertStringSecurityDescriptorToSecurityDescriptorW(L"O:BAG:BAD:P(A;;FA;;;SY)",
                                                                 SDDL_REVISION_1, &sd, &len));
  m->attrs.descriptor = malloc(len);
  m->attrs.streams = calloc(REM_STREAMS, sizeof(rem_stream));
  ck_assert(m->attrs.descriptor != NULL && m->attrs.streams != NULL);
  memcpy(m->attrs.descriptor, sd, len);
  m->attrs.descriptor_len = len;
  (void)LocalFree(sd);
  (void)wcscpy(m->attrs.streams[0].name, stream);
  memset(m->attrs.streams[0].sha256, 'c', 64);
}

/* Whether it is the same when it is read again. */
static bool comes_back(const rem_meta *m)
{
  sup_err err = {0};
  rem_meta *again = calloc(1, sizeof(*again));
  char *text = rem_meta_write(m);
  ck_assert(again != NULL && text != NULL);
  cordon_status status = rem_meta_parse(text, strlen(text), again, &err);
  bool same = status == CORDON_OK && rem_meta_equal(m, again);
  rem_meta_release(again);
  free(again);
  cJSON_free(text);
  return same;
}

START_TEST(a_stream_of_any_name_comes_back)
{
  static const wchar_t *const names[] = {L":plain:$DATA",        L":b\x00f6se \x60aa:$DATA",
                                         L":\xd83d\xde00:$DATA", L":high \xd800 x:$DATA",
                                         L":low \xdc00:$DATA",   L":\xdc00\xd800:$DATA",
                                         L":ends \xdbff:$DATA",  L":\x0001\x001f \"':$DATA"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    rem_meta *m = calloc(1, sizeof(*m));
    ck_assert_ptr_nonnull(m);
    describe(m, names[i]);
    ck_assert_msg(comes_back(m), "name %u", (unsigned)i);
    rem_meta_release(m);
    free(m);
  }
}
END_TEST

START_TEST(the_longest_name_without_a_character_comes_back)
{
  rem_meta *m = calloc(1, sizeof(*m));
  wchar_t name[REM_NAME + 48];
  for (size_t i = 0; i < REM_NAME + 47; i++)
    name[i] = i == 0 ? L':' : (wchar_t)0xd800;
  name[REM_NAME + 47] = L'\0';
  ck_assert_ptr_nonnull(m);
  describe(m, name);
  ck_assert(comes_back(m));
  rem_meta_release(m);
  free(m);
}
END_TEST

/* Refused where the real name of a file is looked at. */
START_TEST(a_path_that_is_no_text_is_known_as_such)
{
  char text[REM_PATH];
  wchar_t *path = malloc(REM_PATH * sizeof(*path));
  ck_assert_ptr_nonnull(path);
  ck_assert(rem_text_of(L"C:\\b\x00f6se \xd83d\xde00.exe", text, sizeof(text)));
  ck_assert(!rem_text_of(L"C:\\evil \xd800.exe", text, sizeof(text)));
  ck_assert(!rem_text_of(L"C:\\evil \xdc00", text, sizeof(text)));
  for (size_t i = 0; i < REM_PATH - 1; i++)
    path[i] = i < 1365 ? (wchar_t)0x60aa : L'\0';
  path[REM_PATH - 1] = L'\0';
  ck_assert(rem_text_of(path, text, sizeof(text)));
  path[1365] = L'x'; /* 4096 bytes, and no room for the end */
  ck_assert(!rem_text_of(path, text, sizeof(text)));
  free(path);
}
END_TEST

START_TEST(any_difference_is_one)
{
  rem_meta *a = calloc(1, sizeof(*a));
  rem_meta *b = calloc(1, sizeof(*b));
  ck_assert(a != NULL && b != NULL);
  describe(a, L":s:$DATA");
  describe(b, L":s:$DATA");
  ck_assert(rem_meta_equal(a, b));
  b->path[3] ^= 1;
  ck_assert(!rem_meta_equal(a, b));
  b->path[3] ^= 1;
  b->key[31] ^= 1;
  ck_assert(!rem_meta_equal(a, b));
  b->key[31] ^= 1;
  b->attrs.descriptor[b->attrs.descriptor_len - 1] ^= 1;
  ck_assert(!rem_meta_equal(a, b));
  b->attrs.descriptor[b->attrs.descriptor_len - 1] ^= 1;
  b->attrs.streams[0].name[1] = L't';
  ck_assert(!rem_meta_equal(a, b));
  b->attrs.streams[0].name[1] = L's';
  b->attrs.streams[0].size++;
  ck_assert(!rem_meta_equal(a, b));
  b->attrs.streams[0].size--;
  ck_assert(rem_meta_equal(a, b));
  rem_meta_release(a);
  rem_meta_release(b);
  free(a);
  free(b);
}
END_TEST

int main(void)
{
  Suite *s = suite_create("windows.container");
  TCase *c = tcase_create("description");
  tcase_add_test(c, a_stream_of_any_name_comes_back);
  tcase_add_test(c, the_longest_name_without_a_character_comes_back);
  tcase_add_test(c, a_path_that_is_no_text_is_known_as_such);
  tcase_add_test(c, any_difference_is_one);
  suite_add_tcase(s, c);
  SRunner *r = srunner_create(s);
  srunner_set_fork_status(r, CK_NOFORK);
  srunner_run_all(r, CK_ENV);
  int failed = srunner_ntests_failed(r);
  srunner_free(r);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
