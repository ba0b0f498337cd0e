/* The token file: what an administrator hands to a device so that it can enrol. It holds a secret,
 * so it is given as a file of mode 0600 and never as an argument; docs/protocol.md has every
 * member. */
#ifndef CD_TOKEN_FILE_H
#define CD_TOKEN_FILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "protocol/key.h"
#include "protocol/limits.h"

#define CD_TOKEN_FILE_MAX (256u * 1024u) /* tls_ca may be a whole company's bundle */
#define CD_TOKEN_CA_MAX (16u * 1024u)    /* a certificate, and those that it replaced */
#define CD_TOKEN_TLS_CA_MAX (200u * 1024u)
#define CD_ENROLL_URL_MAX (8u + CD_HTTP_HOST_MAX + 8u) /* https://[host]:port */

/* Views; those that were read point into `doc`. */
typedef struct cd_token_file {
  unsigned enroll_count;
  cd_str enroll[CD_CONSOLES_MAX]; /* "https://host:port" of people's listeners */
  unsigned agent_count;
  cd_str agents[CD_CONSOLES_MAX]; /* "host:port" of agents' listeners */
  uint8_t token[CD_TOKEN_SIZE];
  cd_public_key root;
  cd_str ca;     /* the device CA's certificate in PEM: pinned */
  cd_str tls_ca; /* PEM: what verifies the addresses in `enroll` */
  cd_json_doc *doc;
} cd_token_file;

/* The text holds the token: wipe it once it is written. */
CD_MUST_USE cd_code cd_token_file_write(const cd_token_file *f, cd_buf *out, cd_err *err);
/* On success the caller releases *ret_file. */
CD_MUST_USE cd_code cd_token_file_read(cd_str text, cd_token_file *ret_file, cd_err *err);
/* Wipes the token and frees what reading took. */
void cd_token_file_release(cd_token_file *f);

/* Host and port of "https://host:port", with nothing after it but perhaps one slash. */
CD_MUST_USE cd_code cd_enroll_url_parse(cd_str url, char ret_host[CD_HTTP_HOST_MAX + 1],
                                        uint16_t *ret_port, cd_err *err);

#endif
