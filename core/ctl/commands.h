/* What the tables of commands share; commands.c puts them together. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "command.h"

#define COMMON                                                                                     \
  (CTL_HAS(CTL_OPT_TIMEOUT) | CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP) |                      \
   CTL_HAS(CTL_OPT_SOCKET))
#define FLEET                                                                                      \
  (CTL_HAS(CTL_OPT_CONFIG) | CTL_HAS(CTL_OPT_DEADLINE) | CTL_HAS(CTL_OPT_JSON) |                   \
   CTL_HAS(CTL_OPT_HELP))
#define FLEET_ORDER                                                                                \
  (CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_TICKET) | CTL_HAS(CTL_OPT_WAIT) |                    \
   CTL_HAS(CTL_OPT_TAG) | CTL_HAS(CTL_OPT_PREVIEW) | CTL_HAS(CTL_OPT_EXPECT) |                     \
   CTL_HAS(CTL_OPT_PROGRESS))
#define FLEET_JOB                                                                                  \
  (CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_TICKET) | CTL_HAS(CTL_OPT_WAIT) |                    \
   CTL_HAS(CTL_OPT_PROGRESS))
#define ORDER (CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_NO_WAIT) | CTL_HAS(CTL_OPT_PROGRESS))

#define LEASE                                                                                      \
  (CTL_HAS(CTL_OPT_LEASE) | CTL_HAS(CTL_OPT_LOST_CONSOLE) | CTL_HAS(CTL_OPT_UNREACHABLE))

#define REMEDY (COMMON | ORDER | CTL_HAS(CTL_OPT_ANYWAY))

typedef struct ctl_command_group {
  const ctl_command *commands;
  size_t count;
} ctl_command_group;

extern const ctl_command_group ctl_commands_local;   /* of this device */
extern const ctl_command_group ctl_commands_fleet;   /* what devices are to do, and did */
extern const ctl_command_group ctl_commands_console; /* what the console keeps, and the rest */

#endif
