/* A console with its signer, and somebody who asks: what tests of several devices begin with. */
#ifndef CONSOLE_FLEET_H
#define CONSOLE_FLEET_H

#include "device.h"

#define PATIENCE_MS 20000

typedef struct fleet {
  place place;
  char *bearer;
} fleet;

void fleet_up(fleet *f);
void fleet_down(fleet *f);
/* The console ends by that signal, and starts again: who asks needs a new bearer token for it. */
void fleet_again(fleet *f, int with_signal);
/* The status; the body, cut at `size`. */
unsigned fleet_ask(const fleet *f, const char *method, const char *path, const char *body,
                   char *out, size_t size);
/* "isolate" or "unisolate"; the id of the action. */
void fleet_order(const fleet *f, const char *id, const char *what, const char *body,
                 char action[64]);
void fleet_enrol(const fleet *f, device *d, const char *name);
/* The member of a GET becomes that, within the patience. */
void fleet_wait(const fleet *f, const char *path, const char *member, const char *wanted);
/* The answer to a GET has these words, within the patience. */
void fleet_wait_text(const fleet *f, const char *path, const char *words);
/* SQL on the console's database, as somebody who may write to it. */
void fleet_edit(const fleet *f, const char *sql);
/* An order, taken and carried out by the device. */
void fleet_carry_out(device *d, const char *action, cd_order *ret_order);

#endif
