#include "response.h"

#include "samples.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

/* Three seconds after the proof of the sample. */
#define NOW 1795493300000

typedef struct rendered {
  cd_code rc;
  ctl_exit exit;
  cd_buf out;
  cd_err why;
} rendered;

static rendered render(ctl_view view, const char *payload)
{
  rendered r = {.out = CD_BUF_INIT(CTL_OUTPUT_MAX)};
  view.style.now_ms = NOW;
  r.rc = ctl_response_render(&view, cd_str_from(payload), &r.out, &r.exit, &r.why);
  return r;
}

START_TEST(status_in_plain_words)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_STATUS}, SAMPLE_STATUS);
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_int_eq(r.exit, CTL_EXIT_DONE);
  ck_assert_str_eq(
      cd_buf_cstr(&r.out),
      "Device      desk-1, Debian GNU/Linux 12, 6.1.0, x86_64\n"
      "Agent       cordond 0.1.0, process 812, started 3 h ago\n"
      "Console     connected to console.example port 8443, as device d1; 1 result to be told\n"
      "Isolation   wanted isolated (full)   enforced isolated   proven holds, 3 s ago\n"
      "  by        org.cordon.nftables\n"
      "Drift       2 times, last 4 min ago: the table was gone, nft did it\n"
      "\n"
      "Capability   Provider\n"
      "isolate      org.cordon.nftables\n"
      "scan         absent                no provider is configured\n");
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(status_says_why_there_is_no_connection)
{
  rendered r = render(
      (ctl_view){.kind = CTL_KIND_STATUS},
      SAMPLE_OK(
          "{\"agent\":{\"version\":\"0.1.0\"},\"console\":{\"enrolled\":true,\"device\":\"d1\","
          "\"connection\":\"waiting\",\"address\":null,\"sentence\":\"nobody is "
          "there\",\"results_waiting\":0},\"device\":null,\"states\":[],\"capabilities\":[]}"));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "Console     waiting, as device d1\n"
                                                    "            nobody is there\n"));
  cd_buf_release(&r.out);
  r = render((ctl_view){.kind = CTL_KIND_STATUS},
             SAMPLE_OK("{\"agent\":{\"version\":\"0.1.0\"},\"console\":{\"enrolled\":false},"
                       "\"device\":null,\"states\":[],\"capabilities\":[]}"));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "Console     not enrolled\n"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(colour_is_only_a_frame_around_the_same_text)
{
  rendered r =
      render((ctl_view){.kind = CTL_KIND_STATUS, .style = {.colour = true}}, SAMPLE_STATUS);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "proven \033[32mholds\033[0m, 3 s ago"));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "\033[33mabsent\033[0m"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(status_of_a_device_without_facts_or_proof)
{
  rendered r = render(
      (ctl_view){.kind = CTL_KIND_STATUS},
      SAMPLE_OK(
          "{\"agent\":{\"version\":\"0.1.0\"},\"device\":null,\"states\":[{\"state\":\"isolate\","
          "\"wanted\":{\"value\":\"released\",\"type\":null},"
          "\"enforced\":{\"value\":\"partial\",\"note\":\"half of the rules\"},"
          "\"proven\":{\"value\":\"unknown\",\"at\":null}}],\"capabilities\":[]}"));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_ptr_nonnull(
      strstr(cd_buf_cstr(&r.out), "Device      unknown: no facts provider answered\n"));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out),
                               "Isolation   wanted released   enforced partial   proven unknown\n"
                               "            half of the rules\n"));
  cd_buf_release(&r.out);
}
END_TEST

static const struct {
  const char *outcome;
  const char *colour;
} boots[] = {{"restored", ""}, {"fallback", "\033[33m"}, {"failed", "\033[1;31m"}};

START_TEST(status_says_what_the_boot_did)
{
  char payload[1024];
  char line[256];
  for (size_t i = 0; i < sizeof(boots) / sizeof(boots[0]); i++) {
    (void)snprintf(
        payload, sizeof(payload),
        SAMPLE_OK("{\"agent\":{\"version\":\"0.1.0\",\"restored\":{\"outcome\":\"%s\",\"source\":"
                  "\"current\",\"at\":\"2026-11-24T04:08:17.000Z\",\"took_ms\":21,\"sentence\":"
                  "\"it is in force again\"}},\"device\":null,\"states\":[],\"capabilities\":[]}"),
        boots[i].outcome);
    rendered r = render((ctl_view){.kind = CTL_KIND_STATUS, .style = {.colour = true}}, payload);
    ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
    (void)snprintf(line, sizeof(line), "%sit is in force again%s, 3 s ago\n", boots[i].colour,
                   boots[i].colour[0] != '\0' ? "\033[0m" : "");
    ck_assert_msg(strstr(cd_buf_cstr(&r.out), line) != NULL, "%s", cd_buf_cstr(&r.out));
    cd_buf_release(&r.out);
  }
  rendered r = render((ctl_view){.kind = CTL_KIND_STATUS},
                      SAMPLE_OK("{\"agent\":{\"version\":\"0.1.0\",\"restored\":null},\"device\":"
                                "null,\"states\":[],\"capabilities\":[]}"));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&r.out), "Boot"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(plugins_with_the_reason_for_distrust)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_PLUGINS}, SAMPLE_PLUGINS);
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_str_eq(
      cd_buf_cstr(&r.out),
      "Plugin                Version   Provides      Trust               Strikes   Processes\n"
      "org.cordon.nftables   0.1.0     isolate       trusted             0         isolate 901 "
      "resident busy\n"
      "com.example.bad       2         facts, scan   not trusted         3\n"
      "com.example.crash     1         scan          quarantined: scan   5\n"
      "\n"
      "com.example.bad: its digest is not in the trust file\n");
  cd_buf_release(&r.out);
}
END_TEST

#define REMEDIATED                                                                                 \
  "{\"remediate\":{\"operation\":\"file.quarantine\",\"target\":{},\"steps\":[{\"step\":"          \
  "\"file.quarantine\",\"outcome\":\"done\"}],\"undo\":\"available\",\"verified\":[{\"what\":"     \
  "\"path\",\"measured\":\"nothing is there\"}]}}"

START_TEST(a_remediation_is_no_isolation)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_ORDER_WAITED, .order = "remediate"},
                      SAMPLE_OK("{\"action\":" SAMPLE_ACTION_OF("remediate", "Succeeded", "\"ok\"",
                                                                "null", REMEDIATED) "}"));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_int_eq(r.exit, CTL_EXIT_DONE);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "Done: what was measured"));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&r.out), "Isolated"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(an_isolation_with_its_evidence)
{
  rendered r =
      render((ctl_view){.kind = CTL_KIND_ORDER_WAITED, .order = "isolate"}, SAMPLE_ISOLATED);
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_int_eq(r.exit, CTL_EXIT_DONE);
  ck_assert_str_eq(cd_buf_cstr(&r.out),
                   "Isolated: enforced, and proven by probes.\n"
                   "Action      isolate (full), " SAMPLE_ID "\n"
                   "Status      Succeeded, took 412 ms\n"
                   "Asked       2026-11-24 04:08:16Z by root\n"
                   "Comment     a drill\n"
                   "Provider    org.cordon.nftables\n"
                   "Measured    enforced isolated   proven holds\n"
                   "Rules       sha256:ab\n"
                   "Sockets     4 ended\n"
                   "Evidence    what tried to get out, and our own count of it\n"
                   "            Probe   Target          Outcome        Our counter\n"
                   "            tcp4    192.0.2.1:443   blocked        0 -> 3\n"
                   "            icmp6   2001:db8::1     inconclusive   7 -> 7        no route\n"
                   "Not probed  connections from outside\n"
                   "            IPv6 without a route\n");
  cd_buf_release(&r.out);
}
END_TEST

typedef struct exit_row {
  const char *order;
  const char *payload;
  ctl_exit exit;
  const char *why;
} exit_row;

#define NO_PROOF "{\"enforced\":{\"value\":\"isolated\"},\"proven\":{\"value\":\"unknown\"}}"
#define HOLDS_WITHOUT_PROBES                                                                       \
  "{\"enforced\":{\"value\":\"isolated\"},\"proven\":{\"value\":\"holds\"}}"
#define FAILED(outcome)                                                                            \
  SAMPLE_ACTION("isolate", "Failed", "\"" outcome "\"", "\"for a reason\"", "null")

static const exit_row exits[] = {
    {"isolate", SAMPLE_ISOLATED, CTL_EXIT_DONE, ""},
    {"release", SAMPLE_RELEASED, CTL_EXIT_DONE, ""},
    {"isolate", SAMPLE_ACTION("isolate", "Succeeded", "\"ok\"", "null", NO_PROOF),
     CTL_EXIT_UNPROVEN, "not proven"},
    {"isolate", SAMPLE_ACTION("isolate", "Succeeded", "\"ok\"", "null", HOLDS_WITHOUT_PROBES),
     CTL_EXIT_UNPROVEN, "not proven"},
    {"isolate", SAMPLE_ACTION("isolate", "Succeeded", "\"ok\"", "null", "null"), CTL_EXIT_UNPROVEN,
     "not proven"},
    {"isolate",
     SAMPLE_ACTION("isolate", "Succeeded", "\"reboot\"", "\"at boot\"", SAMPLE_RESULT_ISOLATED),
     CTL_EXIT_UNPROVEN, "at boot"},
    {"release", SAMPLE_ACTION("release", "Succeeded", "\"ok\"", "null", NO_PROOF),
     CTL_EXIT_UNPROVEN, "not proven"},
    {"isolate", FAILED("partial"), CTL_EXIT_UNPROVEN, "failed: for a reason"},
    {"isolate", FAILED("unverified"), CTL_EXIT_UNPROVEN, "failed: for a reason"},
    {"isolate", FAILED("invalid"), CTL_EXIT_REFUSED, "failed: for a reason"},
    {"isolate", FAILED("unsupported"), CTL_EXIT_REFUSED, "failed: for a reason"},
    {"isolate", FAILED("unavailable"), CTL_EXIT_REFUSED, "failed: for a reason"},
    {"isolate", FAILED("conflict"), CTL_EXIT_REFUSED, "failed: for a reason"},
    {"isolate", FAILED("denied"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", FAILED("deadline"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", FAILED("io"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", FAILED("internal"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", FAILED("ok"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", FAILED("never-heard-of"), CTL_EXIT_FAILED, "failed: for a reason"},
    {"isolate", SAMPLE_ACTION("isolate", "TimeOut", "\"deadline\"", "null", "null"),
     CTL_EXIT_FAILED, "took too long"},
    {"isolate", SAMPLE_ACTION("isolate", "Cancelled", "\"cancelled\"", "null", "null"),
     CTL_EXIT_FAILED, "was cancelled"},
    {"isolate", SAMPLE_ACCEPTED("isolate"), CTL_EXIT_WAITING, "goes on as action " SAMPLE_ID},
};

START_TEST(the_exit_code_says_how_it_ended)
{
  const exit_row *e = &exits[_i];
  rendered r = render((ctl_view){.kind = CTL_KIND_ORDER_WAITED, .order = e->order}, e->payload);
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_int_eq(r.exit, e->exit);
  ck_assert_msg(strstr(r.why.text, e->why) != NULL, "%s", r.why.text);
  cd_buf_release(&r.out);

  /* The same with --json: the document is the result, the exit code does not change. */
  r = render((ctl_view){.kind = CTL_KIND_ORDER_WAITED, .order = e->order, .json = true},
             e->payload);
  ck_assert_int_eq(r.exit, e->exit);
  ck_assert_int_eq(strncmp(cd_buf_cstr(&r.out), "{\"action\":{\"id\":", 15), 0);
  cd_buf_release(&r.out);
}
END_TEST

typedef struct error_row {
  const char *status;
  ctl_exit exit;
} error_row;

static const error_row errors[] = {
    {"partial", CTL_EXIT_UNPROVEN},    {"reboot", CTL_EXIT_UNPROVEN},
    {"invalid", CTL_EXIT_REFUSED},     {"unsupported", CTL_EXIT_REFUSED},
    {"unavailable", CTL_EXIT_REFUSED}, {"denied", CTL_EXIT_DENIED},
    {"notfound", CTL_EXIT_REFUSED},    {"conflict", CTL_EXIT_REFUSED},
    {"cancelled", CTL_EXIT_FAILED},    {"deadline", CTL_EXIT_WAITING},
    {"limit", CTL_EXIT_REFUSED},       {"unverified", CTL_EXIT_UNPROVEN},
    {"io", CTL_EXIT_FAILED},           {"internal", CTL_EXIT_FAILED},
    {"ok", CTL_EXIT_FAILED},           {"from the future", CTL_EXIT_FAILED},
};

START_TEST(every_error_has_an_exit_code)
{
  char payload[256];
  (void)snprintf(payload, sizeof(payload),
                 "{\"ok\":false,\"error\":{\"status\":\"%s\",\"sentence\":\"because\"}}",
                 errors[_i].status);
  rendered r = render((ctl_view){.kind = CTL_KIND_STATUS}, payload);
  ck_assert_int_ne(r.rc, CD_OK);
  ck_assert_int_eq(r.exit, errors[_i].exit);
  ck_assert_str_eq(r.why.text, "because");
  cd_buf_release(&r.out);
}
END_TEST

static const char *const nonsense[] = {
    "",
    "{",
    "[]",
    "null",
    "{}",
    "{\"ok\":1}",
    "{\"ok\":true}",
    "{\"ok\":true,\"result\":[]}",
    "{\"ok\":true,\"result\":{}}",
    "{\"ok\":false}",
    "{\"ok\":false,\"error\":{\"status\":\"denied\"}}",
    "{\"ok\":false,\"error\":\"denied\"}",
    "{\"ok\":true,\"ok\":true}",
    "{\"ok\":true,\"result\":{\"states\":{},\"action\":7,\"actions\":7,\"plugins\":7,\"lifted\":"
    "\"x\"}}",
    "{\"ok\":true,\"result\":{\"agent\":{},\"action\":{\"id\":\"\"},\"actions\":[7],\"plugins\":[{}"
    "],\"lifted\":-1}}",
};

/* What asked for a change may have been carried out all the same. */
static ctl_exit exit_without_an_answer(ctl_kind kind)
{
  bool change = kind == CTL_KIND_ORDER || kind == CTL_KIND_ORDER_WAITED ||
                kind == CTL_KIND_UNQUARANTINE || kind == CTL_KIND_ENROLL;
  return change ? CTL_EXIT_WAITING : CTL_EXIT_UNREACHABLE;
}

START_TEST(nonsense_is_no_answer_whatever_was_asked)
{
  for (int kind = 0; kind < CTL_KIND_COUNT; kind++) {
    rendered r = render((ctl_view){.kind = (ctl_kind)kind}, nonsense[_i]);
    ck_assert_msg(r.rc != CD_OK, "kind %d", kind);
    ck_assert_int_eq(r.exit, exit_without_an_answer((ctl_kind)kind));
    ck_assert_int_ne(r.why.text[0], '\0');
    cd_buf_release(&r.out);
  }
}
END_TEST

START_TEST(an_answer_about_another_action_is_none)
{
  rendered r =
      render((ctl_view){.kind = CTL_KIND_ORDER_WAITED, .order = "isolate"}, SAMPLE_RELEASED);
  ck_assert_int_ne(r.rc, CD_OK);
  ck_assert_int_eq(r.exit, CTL_EXIT_WAITING);
  ck_assert_ptr_nonnull(strstr(r.why.text, "must be isolate"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(lists_actions)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_ACTIONS},
                      SAMPLE_OK("{\"actions\":[" SAMPLE_ACTION_OF(
                          "release", "Succeeded", "\"ok\"", "null",
                          "null") "," SAMPLE_ACTION_OF("isolate", "Failed", "\"unverified\"",
                                                       "null", "null") "]}"));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_str_eq(
      cd_buf_cstr(&r.out),
      "Asked                  Action    Status      Outcome      By     Id                         "
      "            Comment\n"
      "2026-11-24 04:08:16Z   release   Succeeded   ok           root   " SAMPLE_ID "   a drill\n"
      "2026-11-24 04:08:16Z   isolate   Failed      unverified   root   " SAMPLE_ID "   a drill\n");
  cd_buf_release(&r.out);
}
END_TEST

#define PREFLIGHT(verdict, severity)                                                               \
  "{\"enforced\":{\"value\":\"unknown\"},\"attempts\":0,\"preflight\":{\"verdict\":\"" verdict     \
  "\",\"findings\":[{\"check\":\"console_tunnel\",\"severity\":\"" severity                        \
  "\",\"sentence\":\"through \\u001b[2Jwg0\"},{\"check\":\"resolvers\",\"severity\":\"info\","     \
  "\"sentence\":\"none\"}],\"findings_left_out\":2,\"would_cut\":{\"connections\":[{\"protocol\":" \
  "\"tcp\",\"direction\":\"out\",\"remote\":\"192.0.2.7\",\"port\":443,\"count\":3,\"user\":"      \
  "\"alice\","                                                                                     \
  "\"process\":\"curl\",\"pid\":77}],\"connections_left_out\":5,\"services\":[{\"protocol\":"      \
  "\"tcp\","                                                                                       \
  "\"port\":22,\"connections\":1,\"user\":\"root\"}],\"services_left_out\":0,\"guests\":[{"        \
  "\"bridge\":"                                                                                    \
  "\"docker0\",\"count\":1,\"interfaces\":\"veth1\"}],\"guests_left_out\":0}}}"

START_TEST(a_preflight_with_what_it_found)
{
  const ctl_view view = {.kind = CTL_KIND_ORDER_WAITED, .order = "preflight"};
  rendered r = render(
      view, SAMPLE_ACTION("preflight", "Succeeded", "\"ok\"", "null", PREFLIGHT("go", "warn")));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_int_eq(r.exit, CTL_EXIT_DONE);
  ck_assert_str_eq(cd_buf_cstr(&r.out),
                   "Nothing was changed. An isolation would go ahead.\n"
                   "Action      preflight (full), " SAMPLE_ID "\n"
                   "Status      Succeeded, took 412 ms\n"
                   "Asked       2026-11-24 04:08:16Z by root\n"
                   "Comment     a drill\n"
                   "Provider    org.cordon.nftables\n"
                   "Preflight   what an isolation meets here\n"
                   "            warn   console_tunnel   through \\x1b[2Jwg0\n"
                   "            info   resolvers        none\n"
                   "            and 2 more\n"
                   "Would cut   connections: how many, and whose\n"
                   "            3   tcp   to 192.0.2.7   port 443   alice   curl 77\n"
                   "            and 5 more\n"
                   "Services    port 22 of root, 1 connection\n"
                   "Guests      on bridge docker0: veth1\n");
  cd_buf_release(&r.out);
  r = render(view, SAMPLE_ACTION("preflight", "Succeeded", "\"ok\"", "null",
                                 PREFLIGHT("refuse", "refuse")));
  ck_assert_int_eq(r.exit, CTL_EXIT_REFUSED);
  ck_assert_ptr_nonnull(strstr(r.why.text, "an isolation would be refused: console_tunnel: "));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&r.out), "would go ahead"));
  cd_buf_release(&r.out);
  r = render(view, SAMPLE_ACTION("preflight", "Succeeded", "\"ok\"", "null", "{}"));
  ck_assert_int_eq(r.exit, CTL_EXIT_UNPROVEN);
  cd_buf_release(&r.out);
}
END_TEST

/* Of an isolation what is worth a warning, and no lists. */
START_TEST(an_isolation_says_what_its_preflight_warned_of)
{
  rendered r = render(
      (ctl_view){.kind = CTL_KIND_ACTION},
      SAMPLE_ACTION("isolate", "Failed", "\"conflict\"", "\"no\"", PREFLIGHT("forced", "warn")));
  ck_assert_msg(r.rc == CD_OK, "%s", r.why.text);
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "Forced      the policy would refuse"));
  ck_assert_ptr_nonnull(strstr(cd_buf_cstr(&r.out), "warn   console_tunnel   "));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&r.out), "resolvers"));
  ck_assert_ptr_null(strstr(cd_buf_cstr(&r.out), "Would cut"));
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(says_when_there_is_nothing)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_ACTIONS}, SAMPLE_OK("{\"actions\":[]}"));
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No actions yet.\n");
  cd_buf_release(&r.out);
  r = render((ctl_view){.kind = CTL_KIND_PLUGINS}, SAMPLE_OK("{\"plugins\":[]}"));
  ck_assert_str_eq(cd_buf_cstr(&r.out), "No plugins.\n");
  cd_buf_release(&r.out);
  r = render((ctl_view){.kind = CTL_KIND_UNQUARANTINE}, SAMPLE_OK("{\"lifted\":0}"));
  ck_assert_str_eq(cd_buf_cstr(&r.out), "Nothing of it was in quarantine.\n");
  cd_buf_release(&r.out);
}
END_TEST

START_TEST(members_of_a_newer_agent_are_no_fault)
{
  rendered r = render((ctl_view){.kind = CTL_KIND_UNQUARANTINE},
                      "{\"ok\":true,\"hint\":[],\"result\":{\"lifted\":1,\"new\":{\"deep\":[1]}}}");
  ck_assert_int_eq(r.rc, CD_OK);
  ck_assert_str_eq(cd_buf_cstr(&r.out), "Lifted 1 quarantine.\n");
  cd_buf_release(&r.out);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite_response(void)
{
  Suite *s = suite_create("ctl.response");
  TCase *tc = tcase_create("response");
  tcase_add_test(tc, status_in_plain_words);
  tcase_add_test(tc, status_says_why_there_is_no_connection);
  tcase_add_test(tc, colour_is_only_a_frame_around_the_same_text);
  tcase_add_test(tc, status_of_a_device_without_facts_or_proof);
  tcase_add_test(tc, status_says_what_the_boot_did);
  tcase_add_test(tc, plugins_with_the_reason_for_distrust);
  tcase_add_test(tc, an_isolation_with_its_evidence);
  tcase_add_test(tc, a_remediation_is_no_isolation);
  tcase_add_loop_test(tc, the_exit_code_says_how_it_ended, 0, ROWS(exits));
  tcase_add_loop_test(tc, every_error_has_an_exit_code, 0, ROWS(errors));
  tcase_add_loop_test(tc, nonsense_is_no_answer_whatever_was_asked, 0, ROWS(nonsense));
  tcase_add_test(tc, an_answer_about_another_action_is_none);
  tcase_add_test(tc, a_preflight_with_what_it_found);
  tcase_add_test(tc, an_isolation_says_what_its_preflight_warned_of);
  tcase_add_test(tc, lists_actions);
  tcase_add_test(tc, says_when_there_is_nothing);
  tcase_add_test(tc, members_of_a_newer_agent_are_no_fault);
  suite_add_tcase(s, tc);
  return s;
}
