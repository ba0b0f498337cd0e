/* A report that was verified, printed. */
#ifndef CTL_RENDER_PROOF_H
#define CTL_RENDER_PROOF_H

#include "fleet_proof.h"

/* For people. */
void fleet_proof_print(const fleet_proof *p, cd_buf *out);
/* Members of the object that is open. */
void fleet_proof_write(const fleet_proof *p, cd_jw *w);

#endif
