/* Any bytes into the JSON reader: it refuses or reads them, every getter survives what it finds,
 * and what is printed reads back and prints the same. Any bytes into the writer as a string: what
 * it writes is readable. */
#include "base/json.h"

#include "base/limits.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"full", "selective", NULL};

static void must(bool holds, const char *what, const cd_err *err)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s: %s\n", what, err->text);
  abort();
}

/* The keys of the seeds; one letter per kind of getter. */
static void read_member(cd_json_doc *doc, const char *key)
{
  cd_str s = {0};
  uint64_t u = 0;
  int64_t i = 0;
  bool b = false;
  int e = 0;
  cd_json j = {0};
  /* Each on a fresh reader; the first failure of the document ends the rest, so the optional ones
   * come first. */
  cd_json r = cd_json_root(doc);
  (void)cd_json_has(&r, key);
  (void)cd_json_opt_value(&r, key, &j);
  switch (key[0]) {
  case 's': (void)cd_json_opt_str(&r, key, 100, &s); break;
  case 'u': (void)cd_json_opt_u64(&r, key, UINT64_MAX, &u); break;
  case 'i': (void)cd_json_opt_i64(&r, key, INT64_MIN, INT64_MAX, &i); break;
  case 'b': (void)cd_json_opt_bool(&r, key, &b); break;
  case 'e': (void)cd_json_opt_enum(&r, key, names, &e); break;
  default: break;
  }
}

/* Whatever the type, all the way down, as long as the elements do. */
static void read_elements(cd_json *list, unsigned depth)
{
  size_t len = cd_json_len(list);
  for (size_t i = 0; i < len && i < 16 && depth < CD_JSON_DEPTH_MAX; i++) {
    cd_json value = {0};
    cd_json_at_value(list, i, &value);
    read_elements(&value, depth + 1);
  }
  uint64_t u = 0;
  cd_str s = {0};
  if (len > 0 && (len & 1) != 0)
    cd_json_at_u64(list, len - 1, 1000, &u);
  else if (len > 0)
    cd_json_at_str(list, len - 1, 1000, &s);
}

static void read_all(cd_json_doc *doc)
{
  cd_json any = cd_json_any(doc);
  if (!cd_json_is_object(&any)) {
    read_elements(&any, 0);
    return;
  }
  static const char *const keys[] = {"s", "u", "i", "b", "e"};
  for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
    read_member(doc, keys[i]);
  cd_json root = cd_json_root(doc);
  cd_json list = {0};
  cd_json object = {0};
  if (cd_json_opt_arr(&root, "a", 1000, &list))
    read_elements(&list, 0);
  cd_json_obj(&root, "o", &object);
  uint64_t u = 0;
  cd_json_u64(&object, "u", 10, &u);
  cd_err err = {0};
  if (cd_json_done(&object, &err) == CD_OK)
    return;
  must(err.code != CD_OK && err.text[0] != '\0', "a failure without a sentence", &err);
  must(cd_str_utf8_valid(cd_str_from(err.text)), "a sentence that is not UTF-8", &err);
}

/* Escaping makes a text six times as long at most. */
#define PRINTED_MAX (6u * CD_FRAME_PAYLOAD_MAX)

static void print(cd_json_doc *doc, cd_buf *out)
{
  cd_err err = {0};
  cd_json any = cd_json_any(doc);
  cd_json_print(&any, out);
  must(cd_buf_status(out, "print", &err) == CD_OK, "not printed", &err);
}

static void read_text(cd_str text)
{
  cd_json_doc *doc = NULL;
  cd_json_doc *again = NULL;
  cd_err err = {0};
  cd_code rc = cd_json_parse(text, CD_FRAME_PAYLOAD_MAX, "input", &doc, &err);
  if (rc != CD_OK) {
    /* Our scan and the parser below it disagree, if not for want of memory. */
    must(rc == CD_E_INVALID || rc == CD_E_LIMIT, "parse", &err);
    must(doc == NULL && cd_str_utf8_valid(cd_str_from(err.text)), "refused badly", &err);
    return;
  }
  cd_buf first = CD_BUF_INIT(PRINTED_MAX);
  cd_buf second = CD_BUF_INIT(PRINTED_MAX);
  print(doc, &first);
  read_all(doc);
  must(cd_json_parse(cd_buf_view(&first), PRINTED_MAX, "printed", &again, &err) == CD_OK,
       "not read back", &err);
  print(again, &second);
  must(cd_str_eq(cd_buf_view(&first), cd_buf_view(&second)), "printed differently", &err);
  cd_json_free(doc);
  cd_json_free(again);
  cd_buf_release(&first);
  cd_buf_release(&second);
}

static void write_text(cd_str text)
{
  cd_buf out = CD_BUF_INIT(PRINTED_MAX);
  cd_jw w;
  cd_err err = {0};
  cd_json_doc *doc = NULL;
  cd_str back = {0};
  cd_jw_init(&w, &out);
  cd_jw_obj(&w, NULL);
  cd_jw_str(&w, "text", text);
  cd_jw_end_obj(&w);
  must(cd_jw_done(&w, "text", &err) == CD_OK, "not written", &err);
  must(cd_json_parse(cd_buf_view(&out), PRINTED_MAX, "written", &doc, &err) == CD_OK,
       "not readable", &err);
  cd_json root = cd_json_root(doc);
  cd_json_str(&root, "text", PRINTED_MAX, &back);
  must(cd_json_done(&root, &err) == CD_OK, "not read", &err);
  bool clean = cd_str_utf8_valid(text) && (text.len == 0 || memchr(text.ptr, 0, text.len) == NULL);
  must(!clean || cd_str_eq(text, back), "changed on the way", &err);
  cd_json_free(doc);
  cd_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > CD_FRAME_PAYLOAD_MAX / 8)
    return 0;
  cd_str text = {(const char *)data, size};
  read_text(text);
  write_text(text);
  return 0;
}
