/* What signer_client.c and signer_client_words.c share. */
#ifndef CON_SIGNER_CLIENT_PRIVATE_H
#define CON_SIGNER_CLIENT_PRIVATE_H

#include "base/json.h"
#include "signer_client.h"

/* Queues a request. Takes `payload`; where rc is no success, `why` becomes the answer. */
void signer_ask(con_signer *s, cd_buf *payload, cd_code rc, const cd_err *why, con_signer_done done,
                void *context);

/* Reads a response. Its texts point into *ret_doc, which the caller frees, or into `sentence`. */
void con_signer_read_reply(cd_str payload, cd_json_doc **ret_doc, con_signer_reply *reply,
                           char sentence[CD_ERR_TEXT_MAX]);

#endif
