/* OAuth 2.0 client credentials as Entra ID answers them, and the bearer tokens that come of it.
 *
 * A token is a JWT with HS256: clients look into it for `roles` and `exp`. It is made and checked
 * by this process alone, with a key that never leaves its memory, so a restart costs each client
 * one new token and nothing else. What an application may do is looked up at each call and not
 * believed from the token. Pure functions. */
#ifndef CON_OAUTH_H
#define CON_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "form.h"

#define CON_CLIENT_ID_MAX 64u
#define CON_CLIENT_SECRET_MAX 256u
#define CON_BEARER_MAX 4096u
#define CON_BEARER_LIFE_S 3600
#define CON_BEARER_KEY_SIZE 32u

/* Why a token is not given. */
typedef enum con_oauth_fault {
  CON_OAUTH_REQUEST = 1, /* no form, or a parameter is missing */
  CON_OAUTH_GRANT,       /* another grant_type */
  CON_OAUTH_CLIENT,      /* unknown, or the wrong secret: not told apart */
  CON_OAUTH_BUSY,        /* asked too often */
  CON_OAUTH_TROUBLE      /* ours */
} con_oauth_fault;

typedef struct con_token_request {
  cd_str client_id;
  cd_str client_secret;
} con_token_request;

/* Fields that are not known are left alone. On failure *ret_fault and a sentence. */
CD_MUST_USE cd_code con_oauth_read(const con_form *form, con_token_request *ret_request,
                                   con_oauth_fault *ret_fault, cd_err *err);
unsigned con_oauth_status(con_oauth_fault fault); /* of HTTP */
/* `trace` and `correlation` are GUIDs. */
CD_MUST_USE cd_code con_oauth_write_error(con_oauth_fault fault, const char *sentence,
                                          const char *trace, const char *correlation,
                                          int64_t now_ms, cd_buf *out, cd_err *err);
CD_MUST_USE cd_code con_oauth_write_token(cd_str token, cd_buf *out, cd_err *err);

/* What a token says. */
typedef struct con_bearer {
  char app[CON_CLIENT_ID_MAX + 1];
  int64_t issued_s;
  int64_t expires_s;
} con_bearer;

/* `roles`: names separated by spaces, for the client's eyes. `base`: the server's URL. */
CD_MUST_USE cd_code con_bearer_make(const uint8_t key[CON_BEARER_KEY_SIZE], const con_bearer *b,
                                    cd_str roles, cd_str base, cd_buf *out, cd_err *err);
/* CD_E_DENIED for every token that this key did not make, and for one past its time. */
CD_MUST_USE cd_code con_bearer_check(const uint8_t key[CON_BEARER_KEY_SIZE], cd_str token,
                                     int64_t now_s, con_bearer *ret_bearer, cd_err *err);
/* The token of an Authorization header; false for another scheme or a malformed one. */
bool con_bearer_of_header(cd_str header, cd_str *ret_token);

#endif
