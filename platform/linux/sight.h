/* What both ends of a sight say to each other: messages of one length each way, on one
 * machine and from one build. */
#ifndef PF_LINUX_SIGHT_H
#define PF_LINUX_SIGHT_H

#include "platform/sight.h"

typedef enum sight_kind { SIGHT_SPACE = 1, SIGHT_HOLDERS = 2 } sight_kind;

typedef struct sight_ask {
  uint32_t kind;
  uint32_t index; /* of SIGHT_SPACE; of SIGHT_HOLDERS the count */
  uint64_t inodes[PF_SIGHT_HOLDERS_MAX];
} sight_ask;

typedef struct sight_answer {
  int32_t code; /* cd_code */
  int32_t os_error;
  pf_sight_space space;
  pf_sight_holder holders[PF_SIGHT_HOLDERS_MAX];
} sight_answer;

#endif
