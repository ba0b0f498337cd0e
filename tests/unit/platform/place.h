/* A folder for the tests that the checks of owners and modes accept: below folders of root alone.
 */
#ifndef TEST_PLACE_H
#define TEST_PLACE_H

#include <stddef.h>

#define PLACE_PATH_MAX 512

/* The path of `name` in a folder that belongs to the running test alone; the text lives in one of a
 * few rotating buffers. */
const char *at(const char *name);
/* A fresh folder for this test; call it first in each. */
void place_new(void);
/* Makes a file with this content and exactly this mode. */
void make_file(const char *path, const char *content, unsigned mode);
void make_dir(const char *path, unsigned mode);

#endif
