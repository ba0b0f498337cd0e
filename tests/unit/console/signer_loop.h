/* The client of the signer in a loop, and one answer at a time. */
#ifndef CON_TEST_SIGNER_LOOP_H
#define CON_TEST_SIGNER_LOOP_H

#include <uv.h>

#include "signer_place.h"

typedef struct answered {
  unsigned count;
  cd_code code;
  char sentence[CD_ERR_TEXT_MAX];
  char order[8192];
  char order_key[2048];
} answered;

extern uv_loop_t loop;
extern con_signer *client;
extern answered last;

void loop_begin(uint64_t signer_user);
/* Closes the client; the loop must end by itself. */
void loop_end(void);
void on_answer(void *context, const con_signer_reply *reply);
/* Runs the loop until so many answers came, at most 20 s. */
void wait_for(unsigned count);
void client_attach(void);
void client_sign(const char *device, const con_action_made *made);

#endif
