/* The token file, as an administrator gave it (docs/protocol.md, enrolment). */
#ifndef AGENT_TOKEN_H
#define AGENT_TOKEN_H

#include "base/json.h"
#include "protocol/enroll.h"
#include "protocol/key.h"

#define AGENT_TOKEN_URLS_MAX 8u
#define AGENT_TOKEN_PEM_MAX (64u * 1024u)

typedef struct agent_url {
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
} agent_url;

/* Views into the document that it was read from. */
typedef struct agent_token {
  unsigned url_count;
  agent_url urls[AGENT_TOKEN_URLS_MAX];
  cd_str secret;  /* base64url, checked */
  cd_digest hash; /* of its 32 bytes */
  cd_public_key root;
  cd_str ca;     /* PEM, of the device CA */
  cd_str tls_ca; /* PEM, for the urls */
} agent_token;

CD_MUST_USE cd_code agent_token_read(cd_json *token, agent_token *ret_token, cd_err *err);
/* CD_E_INVALID unless the token is for the console at this URL, an https one. */
CD_MUST_USE cd_code agent_token_of(const agent_token *t, cd_str url, cd_err *err);

#endif
