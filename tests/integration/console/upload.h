/* A package of the tests' own on its way home: a device that can do it right and wrong, and what
 * the console says of it. */
#ifndef CONSOLE_UPLOAD_H
#define CONSOLE_UPLOAD_H

#include "fleet.h"

#include "protocol/chunk.h"

#define UPLOAD_BYTES (5u * CD_CHUNK_DATA_MAX + 1000u)
#define UPLOAD_ROOM (2u * CD_CHUNK_DATA_MAX) /* behind it, for devices that send too much */

typedef struct upload {
  fleet *fleet;
  device *device;
  char action[64];
  char *content; /* UPLOAD_BYTES + UPLOAD_ROOM */
  char evidence[400];
  uint64_t stream;
  uint64_t offset; /* that the console wants next */
  bool done;
  char sentence[600]; /* the console's last refusal */
} upload;

/* Orders a package of the device, which has sent its signed result when this returns. */
void upload_make(upload *u, fleet *f, device *d);
void upload_release(upload *u);
/* The same without the result. */
void upload_order(upload *u, fleet *f, device *d);

/* Announces it; false: refused. Afterwards `stream` and `offset` say where it goes on. */
bool upload_offer(upload *u, const char *action);
/* Sends that, without waiting for an answer. */
void upload_chunk(upload *u, uint64_t offset, cd_str data, uint8_t flags);
/* The content's bytes of there. */
cd_str upload_part(const upload *u, uint64_t offset, size_t len);
/* The next word of the console about the stream. False: the connection ended. */
bool upload_heard(upload *u);
/* Sends whole chunks up to that offset, and hears of each. */
void upload_until(upload *u, uint64_t end);
/* What is left, and what the console says of it: true, it has it. */
bool upload_rest(upload *u);
/* The first bytes of the frame of the next chunk. */
void upload_half(upload *u, size_t bytes);

/* The member of the action's `package`, as text. */
void upload_told(const upload *u, const char *member, char *out, size_t size);
/* It becomes that, within the patience. */
void upload_wait(const upload *u, const char *state);
/* The path of a link to it, which the caller frees. NULL: there is none; *ret_status says why. */
char *upload_link(const upload *u, unsigned *ret_status, char *words, size_t size);
/* Fetched by a link, and byte for byte what the device sent. */
void upload_compare(const upload *u);
/* A file of it at the console: ".part" or ".zip". */
void upload_path(const upload *u, const char *suffix, char out[400]);
/* The program, asking the console by this name; its exit code, and all that it prints. */
int upload_cordon(const upload *u, const char *host, const char *const *args, char *out,
                  size_t size);
/* What `cordon action show` prints of the action. */
void upload_shown(const upload *u, char *out, size_t size);
/* The console again, with these members in its configuration as well. */
void upload_configure(fleet *f, const char *members);

#endif
