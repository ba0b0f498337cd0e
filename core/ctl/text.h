/* Text for a terminal. What the agent says contains text of plugins, products and peers, so
 * everything that is printed goes through here: a control character must not move the cursor, and a
 * bidirectional override must not turn a sentence around. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Appends `s` with control characters, invisible format characters and bytes that are not UTF-8
 * escaped: \n, \x1b, \u{202e}. */
void ctl_text_add(cd_buf *out, cd_str s);
/* The same for a printed JSON document, with escapes that leave it the same document (there such
 * characters occur in strings only). */
void ctl_text_add_json(cd_buf *out, cd_str json);
/* Columns that text which went through ctl_text_add() takes on a terminal. */
size_t ctl_text_width(cd_str s);
/* The longest front part of `s` that takes at most `columns`. */
cd_str ctl_text_fit(cd_str s, size_t columns);

/* Reads "2026-11-24T04:08:16.123Z", as cd_time_text() writes it, with 0 to 9 digits of a second. */
bool ctl_time_read(cd_str s, int64_t *ret_ms);
/* "2026-11-24 04:08:16Z"; text that is no time is added as it is, escaped. */
void ctl_time_add(cd_buf *out, cd_str s);
/* "3 s ago"; a time in the future (the clock was set) or that cannot be read as in ctl_time_add().
 */
void ctl_time_add_age(cd_buf *out, cd_str s, int64_t now_ms);
/* "412 ms", "3.2 s", "14 min". */
void ctl_time_add_span(cd_buf *out, int64_t span_ms);

#endif
