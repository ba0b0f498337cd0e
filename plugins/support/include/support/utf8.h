/* UTF-8, looked at strictly: overlong forms, surrogates and what is above U+10FFFF are none. */
#ifndef SUP_UTF8_H
#define SUP_UTF8_H

#include <stddef.h>

/* How many bytes the sequence at `bytes` has, of which there are `len`; 0 if it is none, or is cut
 * short. */
size_t sup_utf8_sequence(const char *bytes, size_t len);

#endif
