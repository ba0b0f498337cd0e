/* A path of a device as JSON carries it: text, or, where its bytes are not UTF-8,
 * {"base64":"<the bytes, base64url>"} in the place of the text. What it means is for the device's
 * plugins to say; here it is some bytes with a ceiling and without a NUL. */
#ifndef CD_PROTOCOL_PATH_H
#define CD_PROTOCOL_PATH_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

/* A view into the document. */
typedef struct cd_path {
  cd_str text;  /* the path, or the base64url of its bytes; ptr NULL: it was not read */
  bool encoded; /* the latter */
} cd_path;

/* Mandatory; 1 to CD_PATH_MAX - 1 bytes. What is wrong sticks to the document. */
void cd_path_read(cd_json *obj, const char *key, cd_path *ret_path);
void cd_path_read_at(cd_json *arr, size_t i, cd_path *ret_path);
/* Whether it begins with '/', with a drive ("C:\") or with "\\": as one system or another has it,
 * for the path is a device's, and that device's plugins refuse those that are none of theirs. */
bool cd_path_is_absolute(cd_str path);
/* Also absolute. */
void cd_path_read_absolute(cd_json *obj, const char *key, cd_path *ret_path);
void cd_path_read_absolute_at(cd_json *arr, size_t i, cd_path *ret_path);

/* The bytes, ended by a NUL; returns how many there are. */
size_t cd_path_bytes(const cd_path *path, char out[CD_PATH_MAX]);
/* Writes bytes in the one of the two forms that is theirs. */
void cd_path_write(cd_jw *w, const char *key, cd_str bytes);
/* Appends it as text for people: bytes that are not UTF-8 as \xNN, and then a backslash as \\. */
void cd_path_show(const cd_path *path, cd_buf *out);

#endif
