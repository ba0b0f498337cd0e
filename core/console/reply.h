/* An answer in the making, and the error shape of the machine-action API. No I/O. */
#ifndef CON_REPLY_H
#define CON_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"

/* A page of 10,000 machines with their tags is 15 MB. */
#define CON_REPLY_MAX (48u * 1024u * 1024u)

/* A file, or a part of one, in the place of a body. */
typedef struct con_file {
  uv_file file; /* -1: there is none */
  uint64_t size;
  uint64_t offset; /* of what is still to go */
  uint64_t length; /* likewise */
  bool partial;
  bool unsatisfied; /* what was asked for is not in it */
  char tag[48];     /* of ETag, with its quotes */
} con_file;

typedef struct con_reply {
  unsigned status;          /* of HTTP; 0: none yet */
  const char *content_type; /* NULL: JSON */
  const char *file_name;    /* not NULL: offered as a file of this name */
  unsigned retry_after_s;   /* 0: no such header */
  bool bearer;              /* WWW-Authenticate: Bearer */
  cd_buf body;
  con_file file;
} con_reply;

void con_reply_init(con_reply *r);
void con_reply_release(con_reply *r);

typedef enum con_api_error {
  CON_BAD_REQUEST = 1,
  CON_ODATA_ERROR,
  CON_INVALID_INPUT,
  CON_INVALID_BODY,
  CON_MISSING_PARAMETER,
  CON_INVALID_IP,
  CON_INVALID_HASH,
  CON_BATCH_TOO_LARGE,
  CON_OS_NOT_SUPPORTED,
  CON_ALREADY_ACTIVE,
  CON_UNAUTHORIZED,
  CON_FORBIDDEN,
  CON_DISALLOWED,
  CON_NOT_FOUND,
  CON_RESOURCE_NOT_FOUND,
  CON_GONE,
  CON_TOO_LARGE,
  CON_TOO_MANY,
  CON_INTERNAL,
  CON_UNAVAILABLE
} con_api_error;

const char *con_error_code(con_api_error error);
unsigned con_error_status(con_api_error error);
/* Sets status and body; whatever was in the reply is gone. Never fails: at worst the body is a
 * constant. */
void con_reply_error(con_reply *r, con_api_error error, const char *fmt, ...) CD_PRINTF(3, 4);
/* The reply for a failure that is not the caller's: the sentence is for the log, not for the
 * answer.
 */
void con_reply_trouble(con_reply *r);

#endif
