/* A console of the tests' own: its folder, its configuration, its process. */
#ifndef CONSOLE_PLACE_H
#define CONSOLE_PLACE_H

#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "store.h"

typedef struct place {
  char folder[256];
  char config[300];
  char ca[4096]; /* PEM, of the running console */
  uint16_t people;
  uint16_t agents;
  pid_t console;
  char signer_config[300]; /* of the real signer, where it is used */
  pid_t signer;
  gid_t group;
} place;

/* Exits with 77 (skipped) where this account cannot make a folder that is trusted. */
void place_make(place *p);
void place_remove(place *p);
void place_start(place *p); /* waits until it answers */
void place_stop(place *p, int with_signal);
#ifdef SIGNER
void place_stop_signer(place *p);
void place_start_signer(place *p);
/* The signer's program with a command and its value, while it does not run; exits with 0. */
void place_tell_signer(place *p, const char *command, const char *value);
#endif
/* A new application; its bearer token, which the caller frees. */
char *place_app(place *p, const char *name, const char *permissions);
/* The member of a JSON text, as text; "" if there is none. Good enough for flat answers. */
void json_member(const char *json, const char *name, char *out, size_t size);

#endif
