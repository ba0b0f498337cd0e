/* Files that tell who is at a Linux device, and in which language. The first byte chooses what the
 * rest is: e a process's environment, f a file with LANG=, s a file of a session, l a locale, t a
 * terminal's name, c a contact. */
#include "notify.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
  if (holds)
    return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

static void try_text(char kind, const char *text)
{
  char name[NOTIFY_NAME];
  char body[512];
  uid_t uid = 0;
  pid_t leader = 0;
  switch (kind) {
  case 'f':
    notify_locale_from_file(text, name);
    must(strlen(name) < NOTIFY_NAME, "a locale without its end");
    break;
  case 's': (void)notify_session_is_graphical(text, &uid, &leader); break;
  case 'l':
    must(notify_title(NOTIFY_ISOLATED, notify_language_of(text)) != NULL, "no words");
    break;
  case 't':
    must(!notify_terminal_valid(text) || strstr(text, "..") == NULL, "a way out of /dev");
    break;
  case 'c':
    notify_body(NOTIFY_RELEASED, NOTIFY_JA, text, body, sizeof(body));
    must(strlen(body) < sizeof(body), "a body without its end");
    break;
  default: break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  char name[NOTIFY_NAME];
  if (size == 0)
    return 0;
  if (data[0] == 'e') {
    notify_locale_from_environ((const char *)data + 1, size - 1, name);
    must(strlen(name) < NOTIFY_NAME, "a locale without its end");
    return 0;
  }
  char *text = strndup((const char *)data + 1, size - 1);
  if (text != NULL)
    try_text((char)data[0], text);
  free(text);
  return 0;
}
