/* Reading JSON strictly, on top of cJSON: case-sensitive names, no unknown and no duplicate
 * members, types and ranges checked, and a sentence that names the member
 * (`exclusions[3].address`). `path` is where the object stands, "" for the document itself. */
#ifndef SUP_JSON_H
#define SUP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "support/err.h"

enum { SUP_JSON_MAX = 1024 * 1024, SUP_JSON_PATH_MAX = 64 };

/* The document, an object, or NULL with a sentence. Refuses NUL characters in text, which a C
 * string would hide. */
cJSON *sup_json_parse(const char *text, size_t len, sup_err *err);

/* `v` is an object whose members are all among `names` (NULL-terminated), each at most once. */
cordon_status sup_json_members(const cJSON *v, const char *path, const char *const *names,
                               sup_err *err);

/* The member of exactly this name, or NULL. */
const cJSON *sup_json_get(const cJSON *object, const char *name);

/* A text member. `optional` ones that are absent give NULL. The text lives as long as the document.
 */
cordon_status sup_json_text(const cJSON *object, const char *path, const char *name, int optional,
                            const char **ret_text, sup_err *err);

/* A whole number within [min, max]. */
cordon_status sup_json_u32(const cJSON *object, const char *path, const char *name, uint32_t min,
                           uint32_t max, uint32_t *ret_number, sup_err *err);

/* An optional true or false; absent is false. */
cordon_status sup_json_flag(const cJSON *object, const char *path, const char *name, bool *ret_flag,
                            sup_err *err);

/* An array of at most `max` items. */
cordon_status sup_json_array(const cJSON *object, const char *path, const char *name, size_t max,
                             const cJSON **ret_array, sup_err *err);

/* Adds a text of unknown making: bytes that are no UTF-8 become `?`. NULL adds null. */
void sup_json_add_text(cJSON *object, const char *name, const char *text);

/* `path.name`, or `name` where path is "". */
void sup_json_path(char ret_path[SUP_JSON_PATH_MAX], const char *path, const char *name);

#endif
