/* The event log "Application": the numbers of events.mc with their severities, and where Windows
 * finds the texts. */
#ifndef PF_WINDOWS_EVENT_H
#define PF_WINDOWS_EVENT_H

#include "windows/windows.h"

#define PF_EVENT_STARTED 0x40000001u
#define PF_EVENT_STOPPED 0x40000002u
#define PF_EVENT_FAILED 0xC0000003u /* with a sentence */
#define PF_EVENT_ERROR 0xC0000004u  /* with a line of the log */
#define PF_EVENT_STUCK 0x80000005u  /* with a sentence */

/* The source of our events, whose texts are in this program. What is there already is corrected. */
cd_code pf_event_source_make(cd_err *err);
/* One that is not there is fine. */
cd_code pf_event_source_remove(cd_err *err);
/* Never fails: without the event log there is the file. */
void pf_event_write(DWORD event, const char *text);

#endif
