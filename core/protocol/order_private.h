/* Private to core/protocol: what the two files about orders share. */
#ifndef CD_ORDER_PRIVATE_H
#define CD_ORDER_PRIVATE_H

#include "protocol/order.h"

/* Sets *ret_refusal if it is not NULL; returns `code`. */
cd_code cd_order_refuse(cd_refusal *ret_refusal, cd_refusal refusal, cd_code code);
/* The refusal that a failure of a signed document's form is. */
cd_refusal cd_order_refusal_of(cd_code code);

#endif
