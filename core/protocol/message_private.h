/* What the readers of messages share; nobody else includes it. */
#ifndef CD_MESSAGE_PRIVATE_H
#define CD_MESSAGE_PRIVATE_H

#include "protocol/message.h"

/* The end of each reader: nothing unknown, and the first failure. */
CD_MUST_USE cd_code cd_message_done(cd_rpc *m, cd_rpc_fault *ret_fault, cd_err *err);
/* An error in the place of the response. */
CD_MUST_USE cd_code cd_message_answer(const cd_rpc *m, cd_err *err);

#endif
