/* Enrolment: the agent's request is posted to one console after the other until one answers; its
 * certificate is checked here, and what is signed in the agent. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "chan.h"
#include "ipc/message.h"
#include "platform/socket.h"
#include "protocol/enroll.h"

#include "base/banned.h"

static void fail(chan *c, const char *sentence)
{
  cd_buf text = CD_BUF_INIT(4096);
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, &text);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "sentence", sentence);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "CHAN_FAILED", &err) == CD_OK)
    chan_send(c, IPC_CHAN_FAILED, 0, cd_buf_view(&text));
  cd_buf_release(&text);
  chan_leave(c, 0);
}

/* The sentence of {"error":{"code":...,"message":...}}, if the body is that. */
static void read_refusal(cd_str body, char out[CD_ERR_TEXT_MAX])
{
  cd_json_doc *doc = NULL;
  cd_json error = {0};
  cd_str message = {0};
  cd_err err = {0};
  out[0] = '\0';
  if (cd_json_parse(body, 16 * 1024, "the refusal", &doc, &err) != CD_OK)
    return;
  cd_json root = cd_json_root(doc);
  cd_json_obj(&root, "error", &error);
  cd_json_str(&error, "message", 400, &message);
  (void)cd_str_copy(out, CD_ERR_TEXT_MAX, message);
  cd_json_free(doc);
}

static cd_code read_answer(chan *c, cd_str body, cd_err *err)
{
  cd_enroll_answer a = {0};
  chan_certificate certificate = {0};
  cd_buf text = CD_BUF_INIT(2 * CD_ENROLL_ANSWER_MAX);
  cd_code rc = cd_enroll_answer_read(body, &a, err);
  if (rc != CD_OK)
    return rc;
  rc = chan_certificate_check(a.certificate, c->setup.csr, c->setup.device_ca, &certificate, err);
  if (rc == CD_OK && !cd_str_eq_cstr(a.device, certificate.device))
    rc = cd_fail(err, CD_E_INVALID, "the certificate is for the device %s, not for %.*s",
                 certificate.device, CD_STR_ARG(a.device));
  if (rc == CD_OK)
    rc = cd_enroll_answer_write(&a, &text, err);
  if (rc == CD_OK)
    chan_send(c, IPC_CHAN_ENROLLED, 0, cd_buf_view(&text));
  cd_enroll_answer_release(&a);
  cd_buf_release(&text);
  return rc;
}

static void next_console(chan *c, const char *why)
{
  char text[CD_ERR_TEXT_MAX];
  if (c->why[0] == '\0')
    (void)snprintf(c->why, sizeof(c->why), "%s port %u: %.200s", c->setup.consoles[c->console].host,
                   c->setup.consoles[c->console].port, why);
  if (++c->console < c->setup.console_count) {
    chan_enroll(c);
    return;
  }
  (void)snprintf(text, sizeof(text), "no console could be reached: %.450s", c->why);
  fail(c, text);
}

static void on_answer(void *owner, const net_https_answer *answer)
{
  chan *c = owner;
  cd_err err = {0};
  char text[CD_ERR_TEXT_MAX];
  char said[CD_ERR_TEXT_MAX];
  c->https = NULL;
  if (c->leaving)
    return;
  if (answer->code != CD_OK) {
    /* An address may be dead where another one of the same console is not. */
    if (c->setup.has_proxy)
      next_console(c, answer->sentence);
    else
      chan_dial_next(c, answer->sentence);
    return;
  }
  if (answer->status == 201) {
    if (read_answer(c, answer->body, &err) == CD_OK) {
      chan_leave(c, 0);
      return;
    }
    (void)snprintf(text, sizeof(text), "the console's answer is refused: %.450s", err.text);
  } else {
    read_refusal(answer->body, said);
    (void)snprintf(text, sizeof(text), "the console refuses (HTTP %u)%s%.400s", answer->status,
                   said[0] != '\0' ? ": " : "", said);
  }
  fail(c, text);
}

static void on_dialled(chan *c, cd_code code, uv_os_sock_t socket, const chan_candidate *target)
{
  cd_err err = {0};
  const chan_console *console = &c->setup.consoles[c->console];
  if (code != CD_OK) {
    next_console(c, c->dial.why[0] != '\0' ? c->dial.why : "it has no address");
    return;
  }
  net_proxy proxy = {.has_credentials = c->setup.has_credentials,
                     .user = c->setup.proxy_user,
                     .password = c->setup.proxy_password};
  net_https_request request = {.endpoint = {.socket = socket,
                                            .proxy = c->setup.has_proxy ? &proxy : NULL,
                                            .host = cd_str_from(console->host),
                                            .port = console->port},
                               .tls = c->tls,
                               .path = c->setup.path,
                               .body = c->setup.body,
                               .agent = c->setup.agent};
  if (net_https_post(&c->loop, &request, on_answer, c, &c->https, &err) != CD_OK) {
    pf_socket_close(socket);
    fail(c, err.text);
  }
}

void chan_enroll(chan *c)
{
  if (c->setup.has_proxy)
    chan_dial_start(c, &c->setup.proxy, 1, on_dialled);
  else
    chan_dial_start(c, &c->setup.consoles[c->console], 1, on_dialled);
}
