/* The signer's socket: who may come, one request after the other. */
#ifndef SIG_SERVER_H
#define SIG_SERVER_H

#include <uv.h>

#include "base/status.h"
#include "signer.h"

typedef struct sig_server sig_server;

CD_MUST_USE cd_code sig_server_start(uv_loop_t *loop, sig_signer *signer, sig_server **ret_server,
                                     cd_err *err);
/* Closes all connections; memory goes when the loop has closed its handles. NULL is fine. */
void sig_server_stop(sig_server *server);

#endif
