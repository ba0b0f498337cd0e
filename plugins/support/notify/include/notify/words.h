/* What people at a device are told, whatever the OS: fixed text of ours in the reader's language;
 * only the contact comes from configuration. And what run() of cordon.notify/1 is asked. */
#ifndef NOTIFY_WORDS_H
#define NOTIFY_WORDS_H

#include <stddef.h>

#include "support/call.h"

enum { NOTIFY_CONTACT_MAX = 200, NOTIFY_BODY_MAX = 1024 };

typedef enum notify_event { NOTIFY_ISOLATED = 0, NOTIFY_RELEASED = 1 } notify_event;
typedef enum notify_language { NOTIFY_EN = 0, NOTIFY_JA = 1 } notify_language;

typedef struct notify_asked {
  notify_event event;
  char contact[NOTIFY_CONTACT_MAX + 1]; /* may be empty */
} notify_asked;

cordon_status notify_read_params(const sup_call *call, notify_asked *ret_asked, sup_err *err);

/* From the value of LC_ALL, LC_MESSAGES or LANG; English for whatever has no text of ours, and
 * where the encoding is not UTF-8. Pure. */
notify_language notify_language_of(const char *locale);
/* The same of a name such as `ja-JP`, which says nothing of an encoding. Pure. */
notify_language notify_language_of_tag(const char *tag);
const char *notify_title(notify_event event, notify_language language);
/* The sentences behind the title, and where `contact` is not empty, whom to ask. Cut at a
 * character's end if it does not fit. Pure. */
void notify_body(notify_event event, notify_language language, const char *contact, char *out,
                 size_t size);

#endif
