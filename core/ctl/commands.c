/* Which commands there are, and the way from a command line to one of them. */
#include "command.h"

#include <string.h>

#include "base/banned.h"

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

static const ctl_option_row options[CTL_OPT_COUNT] = {
    [CTL_OPT_SELECTIVE] = {"selective", "FILE",
                           "keep reachable what the JSON file lists, and nothing else", false},
    [CTL_OPT_COMMENT] = {"comment", "TEXT", "why; kept with the action", false},
    [CTL_OPT_NO_WAIT] = {"no-wait", NULL, "end as soon as the action is accepted", false},
    [CTL_OPT_LIMIT] = {"limit", "N",
                       "how many, newest first (1 to 500; 20, of alerts 50, if not given)", false},
    [CTL_OPT_ID] = {"id", "ID", "one action, with its evidence", false},
    [CTL_OPT_TOKEN_FILE] = {"token-file", "FILE", "the file that the console gave out", false},
    [CTL_OPT_CODE] = {"code", NULL, "ask for a release code at the terminal, and end it with that",
                      false},
    [CTL_OPT_CODE_FILE] = {"code-file", "FILE",
                           "the same with the release code in a file that only you can read",
                           false},
    [CTL_OPT_TIMEOUT] = {"timeout", "S",
                         "seconds to wait for the answer (120 for isolate, release and enroll, "
                         "3600 for collect, else "
                         "15)",
                         false},
    [CTL_OPT_JSON] = {"json", NULL, "print the result as one JSON document", false},
    [CTL_OPT_PROGRESS] = {"progress", NULL,
                          "with --json: the steps as JSON lines on standard error", false},
    [CTL_OPT_HELP] = {"help", NULL, "print this help", false},
    [CTL_OPT_SOCKET] = {"socket", "PATH", "another control socket than the installed one", true},
    [CTL_OPT_LIST] = {"selective", "NAME",
                      "keep reachable what the console's exclusions of this name say", false},
    [CTL_OPT_TICKET] = {"ticket", "TEXT", "the number of a ticket; kept with the action", false},
    [CTL_OPT_WAIT] = {"wait", NULL, "wait until it is done and proven", false},
    [CTL_OPT_TAG] = {"tag", "TAG", "the devices with this tag", false},
    [CTL_OPT_PREVIEW] = {"preview", NULL, "only say which devices it would be", false},
    [CTL_OPT_EXPECT] = {"expect", "N",
                        "with --tag: order nothing unless it is this many devices, say those of "
                        "the preview",
                        false},
    [CTL_OPT_DEVICE] = {"device", "DEVICE", "of this device only", false},
    [CTL_OPT_USES] = {"uses", "N", "how many devices may enrol with it (1 if not given)", false},
    [CTL_OPT_FOR] = {"for", "TIME", "how long it is good: 24h (if not given), 7d", false},
    [CTL_OPT_NOTE] = {"note", "TEXT", "what it is for; shown in the list", false},
    [CTL_OPT_OUTPUT] = {"output", "FILE", "where it is written; -o FILE for short", false},
    [CTL_OPT_HEAD] = {"head", "N:DIGEST", "the log must contain this entry, known from before",
                      false},
    [CTL_OPT_ROOT] = {"root", "KEY", "the root it must be signed under: its id, or the key itself",
                      false},
    [CTL_OPT_CONFIG] = {"config", "FILE", "another configuration than the usual one", false},
    [CTL_OPT_DEADLINE] = {"timeout", "S",
                          "seconds for all of it (120 with --wait, 3600 for a package, 86400 for "
                          "a scan, else 30)",
                          false},
    [CTL_OPT_DRY_RUN] = {"dry-run", NULL, "only look what it would meet and cut; change nothing",
                         false},
    [CTL_OPT_FORCE] = {"force", NULL, "go on whatever the preflight finds; it is only recorded",
                       false},
    [CTL_OPT_LEASE] = {"for", "TIME", "how long it lasts from now on: 90s, 10m, 4h, 7d", false},
    [CTL_OPT_LOST_CONSOLE] =
        {"lost-console", "RULE",
         "keep, or release:TIME when no console was heard for so long (1m to 366d)", false},
    [CTL_OPT_UNREACHABLE] =
        {"unreachable", "RULE",
         "keep, or release:TIME when its rules keep the console away for so long (10s to 1h)",
         false},
    [CTL_OPT_PROFILE] = {"profile", "PROFILE",
                         "standard (if not given), extended, or custom with --list", false},
    [CTL_OPT_COLLECTION] =
        {"list", "LIST",
         "of the profile custom: what is taken; a file of this device's own, the "
         "name of a list at the console for a device of the fleet",
         false},
    [CTL_OPT_OVERWRITE] = {"overwrite", NULL, "replace the file if it is there already", false},
    [CTL_OPT_BUDGET] = {"budget", "S", "seconds that it may take (if not given, as configured)",
                        false},
    [CTL_OPT_MADE] = {"id", "ID", "make none: fetch the one that this action has made", false},
    [CTL_OPT_STOP] = {"stop", NULL, "end the processes that run the file", false},
    [CTL_OPT_FOLDER] = {"output", "FOLDER",
                        "where it is unpacked; -o FOLDER for short. It must not be there yet",
                        false},
    [CTL_OPT_QUICK] = {"quick", NULL,
                       "scan what runs, what starts by itself, and where files arrive", false},
    [CTL_OPT_FULL] = {"full", NULL, "scan all local file systems", false},
    [CTL_OPT_PATH] = {"path", "PATH", "scan this file or folder", false},
    [CTL_OPT_CPU] = {"cpu", "N",
                     "percent of all processors that the scan may take (as configured, else 50)",
                     false},
    [CTL_OPT_SHA1] = {"sha1", "HASH", "every file with this SHA-1, where the device looks for it",
                      false},
    [CTL_OPT_FILE] = {"path", "PATH", "this file", false},
    [CTL_OPT_ANYWAY] = {"force", NULL,
                        "also what belongs to the system, such as a file of a package", false},
    [CTL_OPT_STATUS] = {"status", "STATUS", "New, InProgress or Resolved only", false},
    [CTL_OPT_CLASSIFICATION] = {"classification", "WORD",
                                "TruePositive, InformationalExpectedActivity or FalsePositive",
                                false},
    [CTL_OPT_DETERMINATION] = {"determination", "WORD",
                               "such as Malware, SecurityTesting, NotMalicious", false},
};

#define ORDER_MORE                                                                                 \
  "DEVICE is a name, a name without its domain, or an id. A name that several devices have is\n"   \
  "refused, and the devices are listed. Without --wait the command ends when the console has\n"    \
  "the order; a device that is off carries it out when it comes back.\n"

static const ctl_command commands[] = {
    {.name = "local status",
     .options = COMMON,
     .help = "what this device is, and whether it is isolated: wanted, enforced, proven",
     .run = ctl_cmd_status},
    {.name = "local isolate",
     .options = COMMON | ORDER | LEASE | CTL_HAS(CTL_OPT_SELECTIVE) | CTL_HAS(CTL_OPT_DRY_RUN) |
                CTL_HAS(CTL_OPT_FORCE),
     .help = "cut this device off the network, and prove it",
     .more =
         "Without --selective nothing but the console stays reachable. With it, FILE is a JSON\n"
         "document such as\n"
         "\n"
         "  "
         "{\"exclusions\":[{\"direction\":\"out\",\"address\":\"192.0.2.0/"
         "24\",\"protocol\":\"tcp\",\"port\":\"443\"}]}\n"
         "\n"
         "direction is out, in or both; address an IP address, a prefix or a range first-last; "
         "protocol\n"
         "any, tcp, udp or icmp; port 443 or 9000-9100; note any text; service a name such as\n"
         "nginx.service, of whose sockets alone it is then. direction is needed, and address or "
         "service.\n"
         "The isolation stays through restarts of the agent and of the device, until it is "
         "released,\n"
         "or with --for until its time is over, whether the device is on or off.\n"
         "\n"
         "Before anything changes the agent looks what the isolation would meet: the way to the\n"
         "console, sessions, containers, other firewalls. --dry-run does only that; the exit code "
         "is 5\n"
         "if the policy would refuse the isolation.\n",
     .run = ctl_cmd_isolate},
    {.name = "local renew",
     .options = COMMON | ORDER | LEASE,
     .help = "let the isolation that was given on this device last longer, or less long",
     .more = "Everything else about it stays as it was. One that the console gave is renewed "
             "there.\n",
     .run = ctl_cmd_renew},
    {.name = "local release",
     .options = COMMON | ORDER | CTL_HAS(CTL_OPT_CODE) | CTL_HAS(CTL_OPT_CODE_FILE),
     .help = "end the isolation of this device",
     .more = "Whoever has the release code of an isolation that the console ordered may end it, "
             "with no\n"
             "network: the console's people read it out over the phone. Spaces, dashes and case do "
             "not\n"
             "matter, nor does O for 0 or I and L for 1. The code is never a word of the command "
             "line.\n",
     .run = ctl_cmd_release},
    {.name = "local collect",
     .options = COMMON | CTL_HAS(CTL_OPT_OUTPUT) | CTL_HAS(CTL_OPT_PROFILE) |
                CTL_HAS(CTL_OPT_OVERWRITE) | CTL_HAS(CTL_OPT_BUDGET) | CTL_HAS(CTL_OPT_MADE) |
                CTL_HAS(CTL_OPT_COLLECTION) | CTL_HAS(CTL_OPT_COMMENT) | CTL_HAS(CTL_OPT_PROGRESS),
     .help = "make an investigation package of this device, and write it to a file",
     .more = "FILE is written with your own rights, readable for you alone, once all of it is here "
             "and its\n"
             "digest is what the agent measured; then the agent removes its own copy. Ctrl-C ends "
             "the\n"
             "collecting on the device. 'cordon package' looks into the file.\n"
             "\n"
             "--profile custom --list LIST takes what the file LIST names, such as\n"
             "\n"
             "  "
             "{\"name\":\"web\",\"version\":1,\"items\":[{\"folder\":\"Web server\",\n"
             "   \"path\":\"/var/log/nginx/*.log\",\"why\":\"CHG-120\"}]}\n"
             "\n"
             "An item may have max_bytes of a file, max_files, and max_depth for a part that is "
             "**. Private\n"
             "keys, hashes of passwords and the agent's own files are never taken.\n",
     .run = ctl_cmd_collect},
    {.name = "local scan",
     .options = COMMON | ORDER | CTL_HAS(CTL_OPT_QUICK) | CTL_HAS(CTL_OPT_FULL) |
                CTL_HAS(CTL_OPT_PATH) | CTL_HAS(CTL_OPT_CPU) | CTL_HAS(CTL_OPT_BUDGET),
     .help = "look for malware on this device with the antivirus engine that it has",
     .more =
         "Just one of --quick, --full and --path. It waits for the end and shows how far it is; "
         "Ctrl-C\n"
         "ends the scan on the device. The exit code is 0 only if all was scanned and nothing "
         "was\n"
         "found; what was not scanned is counted, with the reason.\n",
     .run = ctl_cmd_scan},
    {.name = "local quarantine",
     .operands = "PATH",
     .operands_min = 1,
     .operands_max = 1,
     .options = REMEDY | CTL_HAS(CTL_OPT_STOP),
     .help = "take a file away, so that it can be given back as it was",
     .more = "Its bytes are kept by the agent, where they neither run nor are found by a scanner, "
             "with owner,\n"
             "mode, times, attributes and ACL. The processes that run it are named; --stop ends "
             "them. A file\n"
             "of a package of the system is taken with --force only. Links are not followed.\n",
     .run = ctl_cmd_quarantine},
    {.name = "local restore",
     .operands = "ACTION",
     .operands_min = 1,
     .operands_max = 1,
     .options = REMEDY,
     .help = "give back the files that an action has taken away",
     .more = "Nothing that is at their place by now is overwritten.\n",
     .run = ctl_cmd_restore},
    {.name = "local undo",
     .operands = "ACTION",
     .operands_min = 1,
     .operands_max = 1,
     .options = REMEDY,
     .help = "take back what a remediation did, also one that was cut short",
     .run = ctl_cmd_undo},
    {.name = "local find-quarantine",
     .operands = "SHA1",
     .operands_min = 1,
     .operands_max = 1,
     .options = REMEDY,
     .help = "look for a file by its SHA-1, end what runs it, and take it away",
     .more = "It is looked for among the programs that run and in the places where what does not "
             "belong\n"
             "there is usually put; where it is not found, the result says where it was looked "
             "for.\n",
     .run = ctl_cmd_find_quarantine},
    {.name = "local process",
     .operands = "stop|suspend|resume PID",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "end, suspend or resume a process",
     .more = "It is the process that has this number now, and no other that gets it later. The "
             "first process,\n"
             "the kernel's and the agent's own are left alone.\n",
     .run = ctl_cmd_process},
    {.name = "local service",
     .operands = "disable|enable NAME",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "stop a service of systemd and keep it from starting, or take that back",
     .run = ctl_cmd_service},
    {.name = "local timer",
     .operands = "disable|enable NAME",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "the same with a timer of systemd",
     .run = ctl_cmd_timer},
    {.name = "local cron",
     .operands = "disable|enable FILE LINE",
     .operands_min = 3,
     .operands_max = 3,
     .options = REMEDY,
     .help = "switch a line of cron off, or on again",
     .more = "LINE is its number now; the agent finds it by its text.\n",
     .run = ctl_cmd_cron},
    {.name = "local user",
     .operands = "disable|enable NAME",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "lock the password of a user and let the account expire, or take that back",
     .more = "root and the last administrator are disabled with --force only. Sessions go on, and "
             "are named.\n",
     .run = ctl_cmd_user},
    {.name = "local module",
     .operands = "disable|enable NAME",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "keep a kernel module from being loaded, and unload it where nothing uses it",
     .run = ctl_cmd_module},
    {.name = "local startup",
     .operands = "remove|restore PATH",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "take a start-up item away as a file is taken, or give it back",
     .run = ctl_cmd_startup},
    {.name = "local actions",
     .options = COMMON | CTL_HAS(CTL_OPT_LIMIT) | CTL_HAS(CTL_OPT_ID),
     .help = "what was asked of this device and how it ended",
     .run = ctl_cmd_actions},
    {.name = "local plugins",
     .options = COMMON,
     .help = "the plugins, whether they are trusted, and their processes",
     .run = ctl_cmd_plugins},
    {.name = "local unquarantine",
     .operands = "PLUGIN",
     .operands_min = 1,
     .operands_max = 1,
     .options = COMMON,
     .help = "let a plugin that failed too often be used again",
     .run = ctl_cmd_unquarantine},
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
                CTL_HAS(CTL_OPT_ANYWAY),
     .help = "take a file of a device away, so that it can be given back",
     .more = "Either --sha1 or --path. With --sha1 the device looks among what runs, where a quick "
             "scan looks\n"
             "and among what was found before, ends what runs of it, and says where it looked.\n",
     .run = fleet_cmd_quarantine},
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
     .options = FLEET | CTL_HAS(CTL_OPT_OUTPUT),
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
    {.name = "enroll-token create",
     .options = FLEET | CTL_HAS(CTL_OPT_USES) | CTL_HAS(CTL_OPT_FOR) | CTL_HAS(CTL_OPT_TAG) |
                CTL_HAS(CTL_OPT_NOTE) | CTL_HAS(CTL_OPT_OUTPUT),
     .help = "make a token file that devices enrol with",
     .more = "The file holds a secret: whoever has it can enrol a device. It is readable by you "
             "alone.\n"
             "--tag puts a tag on each device that enrols with it.\n",
     .run = fleet_cmd_token_create},
    {.name = "enroll-token list",
     .options = FLEET,
     .help = "the tokens, without their secrets",
     .run = fleet_cmd_token_list},
    {.name = "enroll-token revoke",
     .operands = "ID",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "end a token; devices that enrolled with it stay",
     .run = fleet_cmd_token_revoke},
    {.name = "audit verify",
     .options = FLEET | CTL_HAS(CTL_OPT_HEAD),
     .help = "compute the chain of the audit log anew, here",
     .more = "Without --head it shows whether the log agrees with itself. With the head of an "
             "earlier run, or\n"
             "of an order or a report, it also shows whether it is still the same log.\n",
     .run = fleet_cmd_audit_verify},
    {.name = "policy list",
     .options = FLEET,
     .help = "the policies, the tags that have them, and their ranks",
     .run = fleet_cmd_policy_list},
    {.name = "policy show",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "what one policy says",
     .run = fleet_cmd_policy_show},
    {.name = "policy set",
     .operands = "NAME FILE",
     .operands_min = 2,
     .operands_max = 2,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "make or replace a policy",
     .more = "FILE is a JSON document with members of cordond.json, such as\n"
             "\n"
             "  {\"providers\":{\"isolate\":[\"org.cordon.nftables\"]},"
             "\"local\":{\"release\":\"group\"}}\n"
             "\n"
             "The policy of the name 'default' is for the devices that no tag gives another one.\n",
     .run = fleet_cmd_policy_set},
    {.name = "policy assign",
     .operands = "NAME TAG [RANK]",
     .operands_min = 2,
     .operands_max = 3,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "give a policy to the devices with a tag; of several the highest rank counts",
     .run = fleet_cmd_policy_assign},
    {.name = "policy unassign",
     .operands = "NAME TAG",
     .operands_min = 2,
     .operands_max = 2,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "take a policy from a tag",
     .run = fleet_cmd_policy_unassign},
    {.name = "policy remove",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "remove a policy that no tag has",
     .run = fleet_cmd_policy_remove},
    {.name = "package verify",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .options = CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP),
     .help = "compare every file of a package with its manifest",
     .more =
         "It tells damage and loss. Who made the package it does not tell: for that compare its\n"
         "SHA-256 with the digest in the action's result.\n",
     .run = ctl_cmd_package_verify},
    {.name = "package list",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .options = CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP),
     .help = "the files of a package",
     .run = ctl_cmd_package_list},
    {.name = "package extract",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .options = CTL_HAS(CTL_OPT_FOLDER) | CTL_HAS(CTL_OPT_JSON) | CTL_HAS(CTL_OPT_HELP),
     .help = "unpack a package into a new folder, and compare it with its manifest",
     .more = "Without -o the folder has the name of FILE without .zip. Nothing is written outside "
             "it,\n"
             "nothing but regular files is made in it, and they are readable for you alone.\n",
     .run = ctl_cmd_package_extract},
    {.name = "exclusions list",
     .options = FLEET,
     .help = "the sets of exclusions, and how many devices are isolated with each",
     .run = fleet_cmd_exclusions_list},
    {.name = "exclusions show",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "what one set keeps reachable",
     .run = fleet_cmd_exclusions_show},
    {.name = "exclusions set",
     .operands = "NAME FILE",
     .operands_min = 2,
     .operands_max = 2,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "make or replace a set; what is isolated with it follows",
     .more = "FILE is as that of 'cordon local isolate --selective'.\n",
     .run = fleet_cmd_exclusions_set},
    {.name = "exclusions remove",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "remove a set that nothing is isolated with",
     .run = fleet_cmd_exclusions_remove},
    {.name = "collection list",
     .options = FLEET,
     .help = "the lists of files that packages of the profile custom are made by",
     .run = fleet_cmd_collection_list},
    {.name = "collection show",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET,
     .help = "what one list takes, and why",
     .run = fleet_cmd_collection_show},
    {.name = "collection set",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "make or replace the list of the name that FILE has, with a higher version",
     .more = "FILE is as that of 'cordon local collect --list'.\n",
     .run = fleet_cmd_collection_set},
    {.name = "collection remove",
     .operands = "NAME",
     .operands_min = 1,
     .operands_max = 1,
     .options = FLEET | CTL_HAS(CTL_OPT_COMMENT),
     .help = "remove a list; what was ordered with it stays ordered",
     .run = fleet_cmd_collection_remove},
    {.name = "local policy",
     .options = COMMON,
     .help = "the policy of this device, and who decides each setting",
     .run = ctl_cmd_policy},
    {.name = "local enroll",
     .options = COMMON | CTL_HAS(CTL_OPT_TOKEN_FILE),
     .help = "make this device known to a console, which can then give it orders",
     .more = "FILE is what 'cordon enroll-token create' wrote, readable for root only. It holds a "
             "secret\n"
             "and is of no use any more once its devices are enrolled: delete it then. A device "
             "that was\n"
             "enrolled before stays the same device. If it fails, nothing has changed.\n",
     .run = ctl_cmd_enroll},
    {.name = "help",
     .operands = "[COMMAND | exit-codes]",
     .operands_max = CTL_OPERANDS_MAX,
     .options = CTL_HAS(CTL_OPT_HELP),
     .help = "help on a command, or the exit codes",
     .run = ctl_cmd_help},
};

const ctl_command *ctl_commands(size_t *ret_count)
{
  *ret_count = sizeof(commands) / sizeof(commands[0]);
  return commands;
}

const ctl_option_row *ctl_option_named(ctl_option option)
{
  return &options[option];
}

/* How many of the words the name takes up; 0 if they are not its words. */
static int words_of_name(const char *name, int count, const char *const *words)
{
  cd_str rest = cd_str_from(name);
  int used = 0;
  while (rest.len > 0) {
    cd_str word = cd_str_cut(&rest, ' ');
    if (used == count || !cd_str_eq_cstr(word, words[used]))
      return 0;
    used++;
  }
  return used;
}

const ctl_command *ctl_command_find(int count, const char *const *words, int *ret_words)
{
  const ctl_command *best = NULL;
  int best_words = 0;
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    int used = words_of_name(commands[i].name, count, words);
    if (used > best_words) {
      best = &commands[i];
      best_words = used;
    }
  }
  if (best != NULL)
    *ret_words = best_words;
  return best;
}

static bool is_help(const char *word)
{
  return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static ctl_exit print_version(const ctl_context *ctx)
{
  return ctl_put(ctx,
                 ctx->json ? CD_STR("{\"version\":\"" CORDON_VERSION "\"}\n")
                           : CD_STR("cordon " CORDON_VERSION "\n"),
                 CTL_EXIT_DONE);
}

/* Words that name no command: a group such as "local", --help, --version, or a mistake. */
static ctl_exit run_no_command(const ctl_context *ctx, int count, const char *const *words)
{
  cd_err err = {0};
  if (count > 0 && strcmp(words[0], "--version") == 0)
    return print_version(ctx);
  if (count > 0 && is_help(words[0]))
    return ctl_cmd_help(ctx, &(ctl_args){0});
  if (count == 0) {
    (void)cd_fail(&err, CD_E_INVALID, "a command is needed; 'cordon help' lists them");
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  }
  cd_buf group = CD_BUF_INIT(CTL_OUTPUT_MAX);
  bool is_group = ctl_help_group(cd_str_from(words[0]), &group);
  ctl_exit code = CTL_EXIT_USAGE;
  if (is_group && count > 1 && is_help(words[1])) {
    code = ctl_put(ctx, cd_buf_view(&group), CTL_EXIT_DONE);
    goto done;
  }
  if (is_group && count == 1)
    (void)cd_fail(&err, CD_E_INVALID, "'%s' needs a command; 'cordon %s --help' lists them",
                  words[0], words[0]);
  else if (is_group)
    (void)cd_fail(&err, CD_E_INVALID, "there is no command '%s %s'; 'cordon %s --help' lists them",
                  words[0], words[1], words[0]);
  else
    (void)cd_fail(&err, CD_E_INVALID, "there is no command '%s'; 'cordon help' lists them",
                  words[0]);
  code = ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);

done:
  cd_buf_release(&group);
  return code;
}

static ctl_exit print_help(const ctl_context *ctx, const ctl_command *command)
{
  cd_buf out = CD_BUF_INIT(CTL_OUTPUT_MAX);
  ctl_help_command(command, &out);
  ctl_exit code = ctl_put(ctx, cd_buf_view(&out), CTL_EXIT_DONE);
  cd_buf_release(&out);
  return code;
}

ctl_exit ctl_run(ctl_context *ctx, int count, const char *const *words)
{
  /* Known before anything can fail, so that a mistake in the command line is reported as JSON too.
   */
  for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
    if (strcmp(words[i], "--json") == 0)
      ctx->json = true;

  int used = 0;
  const ctl_command *command = ctl_command_find(count, words, &used);
  if (command == NULL)
    return run_no_command(ctx, count, words);
  ctl_args args = {0};
  cd_err err = {0};
  if (ctl_args_read(command, count - used, words + used, &args, &err) != CD_OK)
    return ctl_report(ctx, CTL_EXIT_USAGE, &err, NULL);
  if (args.value[CTL_OPT_HELP] != NULL && command->run != ctl_cmd_help)
    return print_help(ctx, command);
  return command->run(ctx, &args);
}
