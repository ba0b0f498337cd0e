/* The frames that the channel gets from the agent after SETUP, and those that it sends; docs/ipc.md
 * has every member. */
#ifndef CHAN_MESSAGE_H
#define CHAN_MESSAGE_H

#include "base/buf.h"
#include "base/json.h"
#include "protocol/message.h"

/* Views into *ret_doc, which the caller frees; on failure there is nothing to free. */
CD_MUST_USE cd_code chan_hello_read(cd_str payload, cd_json_doc **ret_doc, cd_hello *ret_hello,
                                    cd_err *err);
/* The one text of MARK, RESULT, REPORT, RENEW or DROP. */
CD_MUST_USE cd_code chan_text_read(cd_str payload, const char *member, size_t max,
                                   cd_json_doc **ret_doc, cd_str *ret_text, cd_err *err);
CD_MUST_USE cd_code chan_progress_read(cd_str payload, cd_json_doc **ret_doc,
                                       cd_progress *ret_progress, cd_err *err);
CD_MUST_USE cd_code chan_order_ack_read(cd_str payload, cd_json_doc **ret_doc,
                                        cd_order_ack *ret_ack, cd_err *err);
/* *ret_code is CD_OK if a socket came with it. */
CD_MUST_USE cd_code chan_socket_read(cd_str payload, cd_code *ret_code,
                                     char ret_sentence[CD_ERR_TEXT_MAX], cd_err *err);

#endif
