/* What the XML of a scheduled task says. Pure: bytes that anybody may have made go in, short texts
 * come out. No entities but the five and numbers, no document type, at most 1 MiB. */
#ifndef READ_TASK_XML_H
#define READ_TASK_XML_H

#include <stdbool.h>
#include <stddef.h>

enum { TASK_XML_MAX = 1024 * 1024, TASK_XML_DEPTH = 24, TASK_XML_NAME = 64 };

/* Texts are UTF-8, cut at their size. */
typedef struct win_task {
  char uri[512];
  char author[256];
  char date[64];
  char description[1024];
  char user[256]; /* or the group */
  char logon_type[64];
  char run_level[64];
  char enabled[16];
  char hidden[16];
  char triggers[2048]; /* "LogonTrigger; CalendarTrigger StartBoundary=..." */
  char actions[8192];  /* "C:\x.exe -a; COM {...}" */
  bool cut;            /* one of them was longer */
} win_task;

/* `bytes` are UTF-16 with a mark of its order, or UTF-8. False: it is no such document, or broken;
 * what was read before stays. */
bool win_task_read(const void *bytes, size_t len, win_task *ret_task);

#endif
