/* UTF-16 of foreign making to UTF-8. Unpaired surrogates become the three bytes that their number
 * would have, which are no UTF-8: so nothing is lost, and support/csv.h writes them as escapes. */
#ifndef SUP_UTF16_H
#define SUP_UTF16_H

#include <stdbool.h>
#include <stddef.h>

/* The text of `units` units, little-endian and at any address, up to its first NUL, with a NUL
 * behind it. Never half a character: of what is longer than `size` - 1 bytes the end is left out,
 * and `ret_cut` (may be NULL) says so. How many bytes. Pure. */
size_t sup_utf16_text(const void *from, size_t units, char *ret_text, size_t size, bool *ret_cut);

/* The same of all the units, NULs among them as NULs. Pure. */
size_t sup_utf16_bytes(const void *from, size_t units, char *ret_text, size_t size, bool *ret_cut);

/* How many units stand before the first NUL. Pure. */
size_t sup_utf16_length(const void *from, size_t units);

#endif
