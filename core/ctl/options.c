/* The options that commands have: what they are called, and what help says of them. */
#include "command.h"

#include "base/banned.h"

_Static_assert(CTL_OPT_COUNT <= 64, "CTL_HAS() has 64 bits");

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
    [CTL_OPT_REPORT] = {"report", "FILE",
                        "compare with what the device has signed, by 'cordon action report'",
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
    [CTL_OPT_START] = {"start", "TICKS",
                       "of a process: when it began, in clock ticks since the device was started",
                       false},
    [CTL_OPT_BOOT] = {"boot", "ID", "of a process: the device's boot id then", false},
    [CTL_OPT_TEXT] = {"text", "TEXT", "of a line of cron: what it says", false},
};

const ctl_option_row *ctl_option_named(ctl_option option)
{
  return &options[option];
}
