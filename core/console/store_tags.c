/* Tags as JSON arrays of texts, sorted by their bytes, none twice. */
#include "base/json.h"
#include "store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

typedef struct tag_list {
  cd_str tags[CON_TAGS_MAX + 1];
  size_t count;
} tag_list;

static int compare(cd_str a, cd_str b)
{
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
  if (order != 0)
    return order;
  return (a.len > b.len) - (a.len < b.len);
}

static cd_code check_tag(cd_str tag, cd_err *err)
{
  if (tag.len == 0 || tag.len > CON_TAG_MAX)
    return cd_fail(err, CD_E_INVALID, "a tag is %zu bytes, it must be 1 to %u", tag.len,
                   CON_TAG_MAX);
  for (size_t i = 0; i < tag.len; i++) {
    if ((unsigned char)tag.ptr[i] < 0x20 || tag.ptr[i] == 0x7f)
      return cd_fail(err, CD_E_INVALID, "a tag has a control character");
  }
  if (!cd_str_utf8_valid(tag))
    return cd_fail(err, CD_E_INVALID, "a tag is not UTF-8 text");
  return CD_OK;
}

/* False if it is there already. */
static bool insert(tag_list *list, cd_str tag)
{
  size_t at = 0;
  while (at < list->count && compare(list->tags[at], tag) < 0)
    at++;
  if (at < list->count && compare(list->tags[at], tag) == 0)
    return false;
  memmove(&list->tags[at + 1], &list->tags[at], (list->count - at) * sizeof(cd_str));
  list->tags[at] = tag;
  list->count++;
  return true;
}

static bool take_out(tag_list *list, cd_str tag)
{
  for (size_t at = 0; at < list->count; at++) {
    if (compare(list->tags[at], tag) != 0)
      continue;
    memmove(&list->tags[at], &list->tags[at + 1], (list->count - at - 1) * sizeof(cd_str));
    list->count--;
    return true;
  }
  return false;
}

static cd_code write_list(const tag_list *list, cd_buf *out, cd_err *err)
{
  cd_jw w;
  cd_jw_init(&w, out);
  cd_jw_arr(&w, NULL);
  for (size_t i = 0; i < list->count; i++)
    cd_jw_str(&w, NULL, list->tags[i]);
  cd_jw_end_arr(&w);
  return cd_jw_done(&w, "the tags", err);
}

/* A document whose member is the array, because the reader wants a name to complain about. */
static cd_code read_list(cd_str json, cd_json_doc **ret_doc, tag_list *list, cd_err *err)
{
  cd_buf text = CD_BUF_INIT(64u * 1024u);
  cd_json_doc *doc = NULL;
  cd_buf_addf(&text, "{\"tags\":%.*s}", CD_STR_ARG(json.len > 0 ? json : CD_STR("[]")));
  cd_code rc = cd_buf_status(&text, "the tags", err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), 64u * 1024u, "the tags", &doc, err);
  cd_buf_release(&text);
  if (rc != CD_OK)
    return rc;
  cd_json root = cd_json_root(doc);
  cd_json array;
  cd_json_arr(&root, "tags", CON_TAGS_MAX, &array);
  for (size_t i = 0; i < cd_json_len(&array) && list->count < CON_TAGS_MAX; i++) {
    cd_str tag = {0};
    cd_json_at_str(&array, i, CON_TAG_MAX, &tag);
    (void)insert(list, tag);
  }
  rc = cd_json_done(&root, err);
  if (rc != CD_OK) {
    cd_json_free(doc);
    return rc;
  }
  *ret_doc = doc;
  return CD_OK;
}

cd_code tags_change(cd_str tags, cd_str tag, bool add, cd_buf *out, bool *ret_changed, cd_err *err)
{
  cd_json_doc *doc = NULL;
  tag_list list = {0};
  cd_code rc = check_tag(tag, err);
  if (rc == CD_OK)
    rc = read_list(tags, &doc, &list, err);
  if (rc != CD_OK)
    return rc;
  bool changed = add ? insert(&list, tag) : take_out(&list, tag);
  if (list.count > CON_TAGS_MAX)
    rc = cd_fail(err, CD_E_LIMIT, "a device can have %u tags at most", CON_TAGS_MAX);
  if (rc == CD_OK)
    rc = write_list(&list, out, err);
  if (rc == CD_OK)
    *ret_changed = changed;
  cd_json_free(doc);
  return rc;
}

cd_code tags_join(cd_str a, cd_str b, cd_buf *out, cd_err *err)
{
  cd_json_doc *doc_a = NULL;
  cd_json_doc *doc_b = NULL;
  tag_list list_a = {0};
  tag_list list_b = {0};
  cd_code rc = read_list(a, &doc_a, &list_a, err);
  if (rc == CD_OK)
    rc = read_list(b, &doc_b, &list_b, err);
  /* What does not fit any more is left out: an enrolment does not fail for a tag. */
  for (size_t i = 0; rc == CD_OK && i < list_b.count && list_a.count < CON_TAGS_MAX; i++)
    (void)insert(&list_a, list_b.tags[i]);
  if (rc == CD_OK)
    rc = write_list(&list_a, out, err);
  cd_json_free(doc_a);
  cd_json_free(doc_b);
  return rc;
}

cd_code tags_choose(cd_str given, cd_str choices, const cd_str *asked, size_t count, cd_buf *out,
                    cd_err *err)
{
  cd_json_doc *doc_given = NULL;
  cd_json_doc *doc_choices = NULL;
  tag_list list = {0};
  tag_list may = {0};
  cd_code rc = read_list(given, &doc_given, &list, err);
  if (rc == CD_OK)
    rc = read_list(choices, &doc_choices, &may, err);
  for (size_t i = 0; rc == CD_OK && i < count; i++) {
    if (take_out(&may, asked[i]) && list.count < CON_TAGS_MAX)
      (void)insert(&list, asked[i]);
    else if (insert(&list, asked[i]))
      rc = cd_fail(err, CD_E_DENIED, "its token does not let a device choose the tag '%.*s'",
                   CD_STR_ARG(asked[i]));
  }
  if (rc == CD_OK)
    rc = write_list(&list, out, err);
  cd_json_free(doc_given);
  cd_json_free(doc_choices);
  return rc;
}

cd_code tags_write(const cd_str *tags, size_t count, cd_buf *out, cd_err *err)
{
  tag_list list = {0};
  if (count > CON_TAGS_MAX)
    return cd_fail(err, CD_E_LIMIT, "a device can have %u tags at most", CON_TAGS_MAX);
  for (size_t i = 0; i < count; i++) {
    cd_code rc = check_tag(tags[i], err);
    if (rc != CD_OK)
      return rc;
    (void)insert(&list, tags[i]);
  }
  return write_list(&list, out, err);
}
