/* A collection list as an order carries it. What is taken for one can be printed and read again,
 * and none of its paths leads anywhere but down. */
#include "fuzz_must.h"

#include <string.h>

#include "protocol/collection.h"

static bool has_dots(cd_str path, char separator)
{
  cd_str rest = path;
  while (rest.len > 0) {
    cd_str part = cd_str_cut(&rest, separator);
    if (cd_str_eq_cstr(part, "..") || cd_str_eq_cstr(part, "."))
      return true;
  }
  return false;
}

static void must_be_sound(cd_json *root)
{
  cd_json items = {0};
  uint64_t files = 0;
  cd_json_arr(root, "items", CD_COLLECTION_ITEMS_MAX, &items);
  must(cd_json_len(&items) > 0, "an empty list");
  for (size_t i = 0; i < cd_json_len(&items); i++) {
    cd_json item = {0};
    cd_str path = {0};
    cd_str folder = {0};
    uint64_t count = CD_COLLECTION_FILES;
    cd_json_at_obj(&items, i, &item);
    cd_json_str(&item, "path", CD_COLLECTION_PATH_MAX, &path);
    cd_json_str(&item, "folder", CD_COLLECTION_FOLDER_MAX, &folder);
    (void)cd_json_opt_u64(&item, "max_files", CD_COLLECTION_FILES_MAX, &count);
    bool drive = path.len > 3 && path.ptr[1] == ':' && path.ptr[2] == '\\';
    must(path.len > 1 && (drive || path.ptr[0] == '/') && !has_dots(path, drive ? '\\' : '/'),
         "a path that leads elsewhere");
    must(!drive || (memchr(path.ptr + 2, ':', path.len - 2) == NULL &&
                    memchr(path.ptr, '/', path.len) == NULL),
         "a path of a stream, or with both separators");
    must(folder.len > 0 && memchr(folder.ptr, '/', folder.len) == NULL, "a folder of folders");
    files += count;
  }
  must(files <= CD_COLLECTION_ALL_FILES_MAX, "too many files");
}

static cd_code read(cd_str text, bool look, cd_buf *print)
{
  cd_json_doc *doc = NULL;
  cd_err err = {0};
  cd_str name = {0};
  uint64_t version = 0;
  cd_code rc = cd_json_parse(text, CD_COLLECTION_MAX, "the list", &doc, &err);
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    cd_collection_read(&root, &name, &version);
    rc = cd_json_status(&root, &err);
    must_explain(rc, &err);
  }
  if (rc == CD_OK) {
    cd_json root = cd_json_root(doc);
    must(cd_collection_name_good(name) && version > 0, "a list without its name");
    if (look)
      must_be_sound(&root);
    if (print != NULL)
      cd_json_print(&root, print);
  }
  cd_json_free(doc);
  return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  cd_buf text = CD_BUF_INIT(8 * CD_COLLECTION_MAX);
  cd_str given = {(const char *)data, size};
  if (read(given, true, &text) == CD_OK && text.len > 0 && text.len <= CD_COLLECTION_MAX)
    must(read(cd_buf_view(&text), false, NULL) == CD_OK, "what was printed is none any more");
  cd_buf_release(&text);
  return 0;
}
