/* No memory: each allocation of a scenario fails in turn. Nothing crashes, nothing leaks, and the
 * code says what it was. */
#include "base/buf.h"
#include "base/json.h"

#include "failing_memory.h"

static cd_code fill_buffer(cd_err *err)
{
  cd_buf b = CD_BUF_INIT(1 << 20);
  for (int i = 0; i < 1000; i++) {
    cd_buf_addf(&b, "line %d\n", i);
    cd_buf_add_cstr(&b, "and what follows it");
  }
  cd_code rc = cd_buf_status(&b, "the text", err);
  char *mine = cd_buf_steal(&b, NULL);
  free(mine);
  cd_buf_release(&b);
  return rc;
}

static cd_code read_and_print(cd_err *err)
{
  cd_buf text = CD_BUF_INIT(1 << 16);
  cd_buf out = CD_BUF_INIT(1 << 16);
  cd_json_doc *doc = NULL;
  cd_jw w;

  /* More keys than are compared pair by pair, so that checking them takes memory too. */
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  for (int i = 0; i < 20; i++) {
    char key[16] = {'k', (char)('a' + i)};
    cd_jw_strf(&w, key, "value %d\n", i);
  }
  cd_jw_raw(&w, "list", CD_STR("[1,2.5,true,{\"x\":null}]"));
  cd_jw_end_obj(&w);
  cd_code rc = cd_jw_done(&w, "the text", err);
  if (rc == CD_OK)
    rc = cd_json_parse(cd_buf_view(&text), 1 << 16, "the document", &doc, err);
  if (rc != CD_OK)
    goto done;
  cd_json any = cd_json_any(doc);
  cd_json_print(&any, &out);
  rc = cd_buf_status(&out, "the copy", err);
  if (rc == CD_OK && !cd_str_eq(cd_buf_view(&out), cd_buf_view(&text)))
    rc = cd_fail(err, CD_E_INVALID, "the copy differs");
done:
  cd_json_free(doc);
  cd_buf_release(&out);
  cd_buf_release(&text);
  return rc;
}

static cd_code duplicate_text(cd_err *err)
{
  char *copy = cd_str_dup(CD_STR("text"));
  cd_code rc = copy != NULL ? CD_OK : cd_fail(err, CD_E_INTERNAL, "no memory");
  free(copy);
  return rc;
}

START_TEST(a_buffer_without_memory_is_empty_and_says_so)
{
  fail_each_in_turn(fill_buffer, 5);
}
END_TEST

START_TEST(json_without_memory_leaks_nothing_and_says_so)
{
  fail_each_in_turn(read_and_print, 60);
}
END_TEST

START_TEST(a_copy_without_memory_is_null)
{
  fail_each_in_turn(duplicate_text, 1);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_buffer_without_memory_is_empty_and_says_so,
      json_without_memory_leaks_nothing_and_says_so,
      a_copy_without_memory_is_null,
  };
  return run_suite("base.memory", tests, COUNT_OF(tests));
}
