/* A collection list: which files a package of the profile `custom` holds. It is written by people,
 * kept at the console under a name, and carried whole in the order, which is signed. What it names
 * is looked for by the device, which takes no secrets whatever a list says. */
#ifndef CD_COLLECTION_H
#define CD_COLLECTION_H

#include "base/json.h"

#define CD_COLLECTION_NAME_MAX 64u /* bytes */
/* A list as text, as people write it and as an order carries it. */
#define CD_COLLECTION_MAX (64u * 1024u)
#define CD_COLLECTION_ITEMS_MAX 64u
#define CD_COLLECTION_FOLDER_MAX 64u
#define CD_COLLECTION_PATH_MAX 1024u
#define CD_COLLECTION_WHY_MAX 200u
/* Of one file; of one item; of all items together, as a package has room for; folders deep. */
#define CD_COLLECTION_BYTES_MAX (UINT64_C(1) << 30)
#define CD_COLLECTION_FILES_MAX 2000u
#define CD_COLLECTION_ALL_FILES_MAX 3900u
#define CD_COLLECTION_DEPTH_MAX 32u
/* What an item has that does not say. */
#define CD_COLLECTION_BYTES (UINT64_C(32) << 20)
#define CD_COLLECTION_FILES 100u
/* Parts of a path, each of which may be a folder that is gone into. */
#define CD_COLLECTION_PARTS_MAX 32u
/* Stars in one part of a path, each of which may match any length. */
#define CD_COLLECTION_STARS_MAX 8u

/* Letters, digits, `.`, `-` and `_`, the first a letter or a digit. */
bool cd_collection_name_good(cd_str name);

/* Reads and checks a list: {"name","version","items":[{"folder","path","why","max_bytes"?,
 * "max_files"?,"max_depth"?}]}. A path is absolute, `/...` or `C:\\...` (a list may be for
 * devices of several systems); in its parts `*` and `?` stand for any
 * characters and for one, and one part may be `**`: folders down to `max_depth`. What is wrong is
 * remembered in the document. `ret_name` and `ret_version` may be NULL. */
void cd_collection_read(cd_json *list, cd_str *ret_name, uint64_t *ret_version);

#endif
