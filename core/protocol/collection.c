#include "protocol/collection.h"

#include <string.h>

#include "base/entry_name.h"
#include "protocol/limits.h"

#include "base/banned.h"

static bool is_alnum(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Nothing that any file system, or a shell that unpacks a package, reads as something else. */
static bool is_plain(cd_str text, const char *also)
{
  if (text.len == 0 || !is_alnum(text.ptr[0]))
    return false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    if (!is_alnum(c) && (c == '\0' || strchr(also, c) == NULL))
      return false;
  }
  return true;
}

bool cd_collection_name_good(cd_str name)
{
  return name.len <= CD_COLLECTION_NAME_MAX && is_plain(name, ".-_");
}

/* What a package has beside its folders: nobody could unpack both. */
static bool is_packages_own(cd_str folder)
{
  static const char *const own[] = {"manifest.json", "CollectionSummaryReport.xls",
                                    "collection_list.json"};
  for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
    if (cd_entry_name_hash(folder) == cd_entry_name_hash(cd_str_from(own[i])))
      return true;
  }
  return false;
}

static bool is_folder(cd_str folder)
{
  return is_plain(folder, " .-_()") && folder.ptr[folder.len - 1] != ' ' &&
         folder.ptr[folder.len - 1] != '.' && !is_packages_own(folder);
}

static bool has_control(cd_str text)
{
  for (size_t i = 0; i < text.len; i++) {
    if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
      return true;
  }
  return false;
}

/* What is wrong with one part of a path, or NULL. */
static const char *part_fault(cd_str part, bool *deep)
{
  unsigned stars = 0;
  if (part.len == 0 || cd_str_eq_cstr(part, ".") || cd_str_eq_cstr(part, ".."))
    return "must have no empty part, no . and no ..";
  if (cd_str_eq_cstr(part, "**")) {
    if (*deep)
      return "may have one part that is **";
    *deep = true;
    return NULL;
  }
  for (size_t i = 0; i < part.len; i++) {
    stars += part.ptr[i] == '*' ? 1 : 0;
    if (part.ptr[i] == '*' && i > 0 && part.ptr[i - 1] == '*')
      return "may have ** only as a whole part";
  }
  return stars > CD_COLLECTION_STARS_MAX ? "has too many * in one part" : NULL;
}

/* What stands between the parts of a path, and where the first of them begins; 0: it is no absolute
 * path of a file. */
static char separator_of(cd_str path, size_t *ret_from)
{
  bool letter = path.len > 0 && ((path.ptr[0] >= 'A' && path.ptr[0] <= 'Z') ||
                                 (path.ptr[0] >= 'a' && path.ptr[0] <= 'z'));
  bool drive = letter && path.len > 3 && path.ptr[1] == ':' && path.ptr[2] == '\\';
  *ret_from = drive ? 3 : 1;
  if (drive)
    return '\\';
  return path.len > 1 && path.ptr[0] == '/' ? '/' : '\0';
}

/* Of Windows: streams, its own patterns, and what it takes for a separator as well. */
static bool has_foreign_sign(cd_str path)
{
  for (size_t i = 3; i < path.len; i++) {
    if (path.ptr[i] != '\0' && strchr(":/\"<>|", path.ptr[i]) != NULL)
      return true;
  }
  return false;
}

/* The same of a whole path; `ret_deep`: it has a part that is **. */
static const char *path_fault(cd_str path, bool *ret_deep)
{
  bool last_deep = false;
  const char *fault = NULL;
  size_t from = 0;
  char separator = separator_of(path, &from);
  *ret_deep = false;
  if (separator == '\0')
    return "must be an absolute path of a file: /... or C:\\...";
  if (has_control(path))
    return "must have no control characters: ? stands for one";
  if (separator == '\\' && has_foreign_sign(path))
    return "must have none of : / \" < > | behind its drive";
  cd_str rest = {path.ptr + from, path.len - from};
  unsigned parts = 0;
  for (size_t at = from; fault == NULL && at <= path.len;) {
    cd_str part = cd_str_cut(&rest, separator);
    fault = ++parts > CD_COLLECTION_PARTS_MAX ? "has too many parts" : part_fault(part, ret_deep);
    last_deep = cd_str_eq_cstr(part, "**");
    at += part.len + 1;
  }
  if (fault == NULL && (last_deep || path.ptr[path.len - 1] == separator))
    fault = "must end with the name of files: after ** comes a part such as *";
  return fault;
}

static void check_item(cd_json *item, uint64_t *files)
{
  cd_str folder = {0};
  cd_str path = {0};
  cd_str why = {0};
  uint64_t bytes = CD_COLLECTION_BYTES;
  uint64_t count = CD_COLLECTION_FILES;
  uint64_t depth = 0;
  bool deep = false;
  cd_json_str(item, "folder", CD_COLLECTION_FOLDER_MAX, &folder);
  cd_json_str(item, "path", CD_COLLECTION_PATH_MAX, &path);
  cd_json_str(item, "why", CD_COLLECTION_WHY_MAX, &why);
  if (folder.ptr != NULL && !is_folder(folder))
    cd_json_bad(item, "folder",
                "must be letters, digits, blanks, . - _ ( ), begin with a letter or a digit, end "
                "in neither a "
                "blank nor a dot, and be no name of the package's own files");
  const char *fault = path.ptr != NULL ? path_fault(path, &deep) : NULL;
  if (fault != NULL)
    cd_json_bad(item, "path", "%s", fault);
  if (why.ptr != NULL && (why.len == 0 || has_control(why)))
    cd_json_bad(item, "why", "must say why, in one line");
  if (cd_json_opt_u64(item, "max_bytes", CD_COLLECTION_BYTES_MAX, &bytes) && bytes == 0)
    cd_json_bad(item, "max_bytes", "must be at least 1");
  if (cd_json_opt_u64(item, "max_files", CD_COLLECTION_FILES_MAX, &count) && count == 0)
    cd_json_bad(item, "max_files", "must be at least 1");
  bool given = cd_json_opt_u64(item, "max_depth", CD_COLLECTION_DEPTH_MAX, &depth);
  if (given && depth == 0)
    cd_json_bad(item, "max_depth", "must be at least 1");
  if (given != deep && path.ptr != NULL && fault == NULL)
    cd_json_bad(item, "max_depth",
                deep ? "must say how deep ** goes" : "is for a path with a part that is **");
  *files += count;
  cd_json_no_more(item);
}

void cd_collection_read(cd_json *list, cd_str *ret_name, uint64_t *ret_version)
{
  cd_str name = {0};
  uint64_t version = 0;
  uint64_t files = 0;
  cd_json items = {0};
  cd_json_str(list, "name", CD_COLLECTION_NAME_MAX, &name);
  cd_json_u64(list, "version", CD_GENERATION_MAX, &version);
  cd_json_arr(list, "items", CD_COLLECTION_ITEMS_MAX, &items);
  if (name.ptr != NULL && !cd_collection_name_good(name))
    cd_json_bad(list, "name", "must be letters, digits, . - _, and begin with a letter or a digit");
  if (name.ptr != NULL && version == 0)
    cd_json_bad(list, "version", "must be at least 1");
  size_t count = cd_json_len(&items);
  if (count == 0)
    cd_json_bad(list, "items", "must not be empty: the package would be, too");
  for (size_t i = 0; i < count; i++) {
    cd_json item = {0};
    cd_json_at_obj(&items, i, &item);
    check_item(&item, &files);
  }
  if (files > CD_COLLECTION_ALL_FILES_MAX)
    cd_json_bad(list, "items", "may take %llu files together (max_files), the limit is %u",
                (unsigned long long)files, CD_COLLECTION_ALL_FILES_MAX);
  cd_json_no_more(list);
  if (ret_name != NULL)
    *ret_name = name;
  if (ret_version != NULL)
    *ret_version = version;
}
