/* The commands that ask this device's agent. */
#include "commands.h"

#include "base/banned.h"

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
    {.name = "local task",
     .operands = "disable|enable NAME",
     .operands_min = 2,
     .operands_max = 2,
     .options = REMEDY,
     .help = "keep a scheduled task of Windows from starting, or take that back",
     .more = "NAME is its path, such as '\\Folder\\Name'.\n",
     .run = ctl_cmd_task},
    {.name = "local startup",
     .operands = "remove|restore PATH [VALUE]",
     .operands_min = 2,
     .operands_max = 3,
     .options = REMEDY,
     .help = "take a start-up item away as a file is taken, or give it back",
     .more = "On Windows PATH may be a key, such as "
             "'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run',\n"
             "with the name of a VALUE; 'local undo' gives that back.\n",
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
    {.name = "local policy",
     .options = COMMON,
     .help = "the policy of this device, and who decides each setting",
     .run = ctl_cmd_policy},
    {.name = "local enroll",
     .options =
         COMMON | CTL_HAS(CTL_OPT_TOKEN_FILE) | CTL_HAS(CTL_OPT_CONSOLE) | CTL_HAS(CTL_OPT_TAGS),
     .help = "make this device known to a console, which can then give it orders",
     .more = "FILE is what 'cordon enroll-token create' wrote, readable for root only. It holds a "
             "secret\n"
             "and is of no use any more once its devices are enrolled: delete it then. A device "
             "that was\n"
             "enrolled before stays the same device. If it fails, nothing has changed.\n",
     .run = ctl_cmd_enroll},
};

const ctl_command_group ctl_commands_local = {commands, sizeof(commands) / sizeof(commands[0])};
