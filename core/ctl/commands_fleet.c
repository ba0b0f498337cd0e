/* The commands about the devices of a fleet: what they are to do, and what they did. */
#include "commands.h"

#include "base/banned.h"

#define ORDER_MORE                                                                                 \
  "DEVICE is a name, a name without its domain, or an id. A name that several devices have is\n"   \
  "refused, and the devices are listed. Without --wait the command ends when the console has\n"    \
  "the order; a device that is off carries it out when it comes back.\n"

static const ctl_command commands[] = {
    {.name = "device list",
     .options = FLEET | CTL_HAS(CTL_OPT_TAG),
     .help = "the devices of the fleet",
     .run = fleet_cmd_device_list},
    {.name = "device show",
     .operands = "DEVICE",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "one device: wanted, enforced, proven, and what it waits for",
     .run = fleet_cmd_device_show},
    {.name = "isolate",
     .operands = "DEVICE | --tag TAG",
     .operands_max = 1,
     .options = FLEET | FLEET_ORDER | LEASE | CTL_HAS(CTL_OPT_LIST) | CTL_HAS(CTL_OPT_DRY_RUN) |
                CTL_HAS(CTL_OPT_FORCE),
     .help = "cut a device of the fleet off the network",
     .more = ORDER_MORE
     "With --for it ends by itself, on the device, whether or not the console reaches it "
     "then.\n"
     "\n"
     "--dry-run asks the device, or every device with the tag, what an isolation would meet and "
     "cut,\n"
     "and waits for the answers; nothing changes. The exit code is 5 if a device would refuse. "
     "What\n"
     "it would refuse for, --force makes it record only; that stands in the audit log.\n",
     .run = fleet_cmd_isolate},
    {.name = "renew",
     .operands = "DEVICE",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | LEASE | CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_TICKET) |
                CTL_HAS(CTL_OPT_WAIT) | CTL_HAS(CTL_OPT_PROGRESS),
     .help = "let the isolation of a device of the fleet last longer, or less long",
     .more = "Everything else about it stays as it was.\n",
     .run = fleet_cmd_renew},
    {.name = "release",
     .operands = "DEVICE | --tag TAG",
     .operands_max = 1,
     .options = FLEET | FLEET_ORDER,
     .help = "end the isolation of a device of the fleet",
     .more = ORDER_MORE,
     .run = fleet_cmd_release},
    {.name = "collect",
     .operands = "DEVICE | --id ID",
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_TICKET) | CTL_HAS(CTL_OPT_WAIT) |
                CTL_HAS(CTL_OPT_PROGRESS) | CTL_HAS(CTL_OPT_OUTPUT) | CTL_HAS(CTL_OPT_OVERWRITE) |
                CTL_HAS(CTL_OPT_PROFILE) | CTL_HAS(CTL_OPT_BUDGET) | CTL_HAS(CTL_OPT_MADE) |
                CTL_HAS(CTL_OPT_COLLECTION),
     .help = "have a device of the fleet make an investigation package, and fetch it",
     .more = "With -o it waits until the device has made it and sent it home, fetches it, and "
             "writes FILE,\n"
             "readable for you alone, once its digest is what the device has signed. --id fetches "
             "one that\n"
             "was made before. 'cordon package' looks into the file. --profile custom --list LIST "
             "takes what the\n"
             "console's collection list of that name says ('cordon collection').\n",
     .run = fleet_cmd_collect},
    {.name = "scan",
     .operands = "DEVICE",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | FLEET_JOB | CTL_HAS(CTL_OPT_QUICK) | CTL_HAS(CTL_OPT_FULL) |
                CTL_HAS(CTL_OPT_PATH) | CTL_HAS(CTL_OPT_CPU) | CTL_HAS(CTL_OPT_BUDGET),
     .help = "have a device of the fleet look for malware",
     .more =
         "Just one of --quick, --full and --path. With --wait the exit code is 0 only if all "
         "was scanned\n"
         "and nothing was found. What was found becomes alerts: 'cordon alerts'. 'cordon action "
         "cancel'\n"
         "ends a scan on the device.\n",
     .run = fleet_cmd_scan},
    {.name = "quarantine",
     .operands = "DEVICE",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | FLEET_JOB | CTL_HAS(CTL_OPT_SHA1) | CTL_HAS(CTL_OPT_FILE) |
                CTL_HAS(CTL_OPT_ANYWAY) | CTL_HAS(CTL_OPT_STOP),
     .help = "take a file of a device away, so that it can be given back",
     .more =
         "Either --sha1 or --path. With --sha1 the device looks among what runs, where a quick "
         "scan looks\n"
         "and among what was found before, ends what runs of it, and says where it looked. With "
         "--path\n"
         "who runs the file is named, and ended with --stop, so that they cannot put it back.\n",
     .run = fleet_cmd_quarantine},
    {.name = "remediate",
     .operands = "DEVICE KIND VERB WHAT [MORE]",
     .operands_min = 4,
     .operands_max = 5,
     .options = FLEET | FLEET_JOB | CTL_HAS(CTL_OPT_ANYWAY) | CTL_HAS(CTL_OPT_START) |
                CTL_HAS(CTL_OPT_BOOT) | CTL_HAS(CTL_OPT_TEXT),
     .help = "switch something off on a device of the fleet, end a process, or switch it on again",
     .more =
         "KIND, VERB and WHAT are as those of 'cordon local':\n"
         "\n"
         "  service, timer, user, module   disable|enable NAME\n"
         "  cron                           disable|enable FILE LINE --text TEXT\n"
         "  process                        stop|suspend|resume PID --start TICKS --boot ID\n"
         "  startup                        remove|restore PATH [VALUE]\n"
         "  task                           disable|enable NAME\n"
         "\n"
         "A line of cron is known by its text, of which LINE only says which one of several. A "
         "process\n"
         "is known by its start and the device's boot id, as an investigation package has them "
         "(and an\n"
         "alert's findings its start): its number may be another's by then. Of Windows the start "
         "alone is\n"
         "enough, for it is a moment. 'cordon undo' takes it back.\n",
     .run = fleet_cmd_remediate},
    {.name = "restore",
     .operands = "ACTION",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | FLEET_JOB,
     .help = "give back the file that this action put into quarantine",
     .run = fleet_cmd_restore},
    {.name = "undo",
     .operands = "ACTION",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | FLEET_JOB,
     .help = "take back what this action changed on its device",
     .run = fleet_cmd_undo},
    {.name = "alerts",
     .options = FLEET | CTL_HAS(CTL_OPT_DEVICE) | CTL_HAS(CTL_OPT_STATUS) | CTL_HAS(CTL_OPT_LIMIT),
     .help = "what was found on the fleet, newest first",
     .run = fleet_cmd_alerts},
    {.name = "alert show",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "one alert, with what it rests on",
     .run = fleet_cmd_alert_show},
    {.name = "alert resolve",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_CLASSIFICATION) |
                CTL_HAS(CTL_OPT_DETERMINATION),
     .help = "say that an alert is dealt with",
     .run = fleet_cmd_alert_resolve},
    {.name = "tag add",
     .operands = "DEVICE TAG",
     .operands_min = 2,
     .operands_max = 2,
     .options = FLEET,
     .help = "put a tag on a device",
     .run = fleet_cmd_tag_add},
    {.name = "tag remove",
     .operands = "DEVICE TAG",
     .operands_min = 2,
     .operands_max = 2,
     .options = FLEET,
     .help = "take a tag off a device",
     .run = fleet_cmd_tag_remove},
    {.name = "actions",
     .options = FLEET | CTL_HAS(CTL_OPT_DEVICE) | CTL_HAS(CTL_OPT_LIMIT),
     .help = "what was asked of the fleet and how it ended",
     .run = fleet_cmd_actions},
    {.name = "action show",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "one action of the fleet, with its evidence",
     .run = fleet_cmd_action_show},
    {.name = "action cancel",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "cancel an action that has not ended",
     .run = fleet_cmd_action_cancel},
    {.name = "action report",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_OUTPUT) | CTL_HAS(CTL_OPT_OVERWRITE),
     .help = "the report that proves one action, as a JSON document",
     .run = fleet_cmd_action_report},
    {.name = "action code",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "show the release code of an isolation, once",
     .more = "Whoever has the code ends that isolation at the device, without a network: read it "
             "out to\n"
             "somebody whom you know to stand there. It is shown once, and the audit log says to "
             "whom.\n"
             "Without --json it is shown at a terminal only.\n",
     .run = fleet_cmd_action_code},
    {.name = "action verify",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .options = CTL_HAS(CTL_OPT_ROOT) | CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP),
     .help = "verify such a report, without the console",
     .more = "Every signature is followed to the root key. --root is that key as it is in a token\n"
             "file, or its id; without it the report vouches for itself.\n",
     .run = fleet_cmd_action_verify},
};

const ctl_command_group ctl_commands_fleet = {commands, sizeof(commands) / sizeof(commands[0])};
