/* The agents' listener: mutual TLS, then WebSocket, then a link for each device. */
#include <libwebsockets.h>
#include <openssl/bn.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "hub.h"
#include "link.h"
#include "listen.h"
#include "protocol/statement.h"
#include "protocol/ws.h"

#include "base/banned.h"

#define PATH "/agent/v1"
#define QUEUE_MAX (4u * 1024u * 1024u) /* bytes that wait for a device that does not read */
#define CHALLENGE_US 3000000           /* for the older connection to show that it is alive */
#define CHALLENGE_SIZE 16u

typedef struct message {
  struct message *next;
  size_t len;
  unsigned char bytes[]; /* LWS_PRE, then the text */
} message;

/* Lives in libwebsockets' memory, until CLOSED. */
typedef struct session session;
struct session {
  struct lws *wsi;
  con_link *link;
  cd_buf input;
  message *first;
  message *last;
  size_t queued;
  bool ping;
  bool ping_challenge;
  unsigned close_code;
  char close_why[CD_WS_REASON_MAX + 1];
  session *challenger; /* the newer connection of the same device, waiting for us to be silent */
  session *older;      /* the reverse */
  uint8_t challenge[CHALLENGE_SIZE];
};

const size_t con_agents_session = sizeof(session);

/* ---- the certificate ---- */

typedef struct peer_certificate {
  char device[CD_DEVICE_ID_MAX + 1];
  char serial[CON_SERIAL_TEXT_MAX];
  int64_t not_after_ms;
  char peer[64];
} peer_certificate;

/* Lower-case hex without zeros in front. */
static bool serial_text(X509 *certificate, char out[CON_SERIAL_TEXT_MAX])
{
  BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
  char *text = number != NULL ? BN_bn2hex(number) : NULL;
  bool good = text != NULL && strlen(text) < CON_SERIAL_TEXT_MAX;
  for (size_t i = 0; good && text[i] != '\0'; i++)
    text[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] - 'A' + 'a') : text[i];
  if (good)
    good = cd_str_copy(out, CON_SERIAL_TEXT_MAX, cd_str_from(text + strspn(text, "0")));
  OPENSSL_free(text);
  BN_free(number);
  return good;
}

static bool read_certificate(struct lws *wsi, peer_certificate *ret_peer)
{
  union lws_tls_cert_info_results info = {0};
  X509 *certificate = SSL_get1_peer_certificate(lws_get_ssl(wsi));
  int days = 0;
  int seconds = 0;
  peer_certificate p = {0};
  if (certificate == NULL)
    return false;
  bool good = lws_tls_peer_cert_info(wsi, LWS_TLS_CERT_INFO_VERIFIED, &info, 0) == 0 &&
              info.verified == 1 && SSL_get_verify_result(lws_get_ssl(wsi)) == X509_V_OK &&
              ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) == 1 &&
              (int64_t)days * 86400 + seconds > 0 && serial_text(certificate, p.serial) &&
              X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                        p.device, sizeof(p.device)) > 0 &&
              cd_device_id_valid(cd_str_from(p.device));
  con_listen_peer(wsi, p.peer, sizeof(p.peer));
  p.not_after_ms = cd_wall_ms() + ((int64_t)days * 86400 + seconds) * 1000;
  X509_free(certificate);
  *ret_peer = p;
  return good;
}

/* Whoever has the newer one does not come with the older: another has it, or a copy of the disk. */
static cd_code stale(con_server *s, const con_device *d, const peer_certificate *p, cd_err *err)
{
  cd_err why = {0};
  cd_jw w;
  cd_buf detail = CD_BUF_INIT(1024);
  cd_jw_init(&w, &detail);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "peer", p->peer);
  cd_jw_cstr(&w, "serial", p->serial);
  cd_jw_str(&w, "newer", d->cert_serial);
  cd_jw_end_obj(&w);
  if (!d->clone_suspected &&
      (cd_jw_done(&w, "an audit entry", &why) != CD_OK ||
       con_device_clone_suspected(s->store, d->id, cd_buf_view(&detail), &why) != CD_OK))
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", p->device, why.text);
  cd_buf_release(&detail);
  return cd_fail(err, CD_E_DENIED,
                 "its certificate was replaced by a newer one; its key may be in two places");
}

/* The one that counts, or a newer one that the signer made when the device asked for it: then that
 * counts from now on. The signer makes certificates for a device only as the audit log says, so any
 * later one is the device's. */
static cd_code check_serial(con_server *s, const con_device *d, const peer_certificate *p,
                            cd_err *err)
{
  cd_str known = d->cert_serial;
  while (known.len > 0 && known.ptr[0] == '0')
    known = (cd_str){known.ptr + 1, known.len - 1};
  if (cd_str_eq_cstr(known, p->serial))
    return CD_OK;
  /* Seconds may be lost on the way between the two texts of a time. */
  if (known.len > 0 && p->not_after_ms <= d->cert_not_after_ms + 2000)
    return stale(s, d, p, err);
  cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s: comes with its renewed certificate", p->device);
  return con_device_certified(s->store, d->id, cd_str_from(p->serial), p->not_after_ms, (cd_str){0},
                              err);
}

static cd_code admit(con_server *s, const peer_certificate *p, con_device *ret_device, cd_err *err)
{
  con_device d = {0};
  cd_code rc = con_device_get(s->store, cd_str_from(p->device), &d, err);
  if (rc == CD_OK && d.revoked)
    rc = cd_fail(err, CD_E_DENIED, "it was revoked");
  if (rc == CD_OK)
    rc = check_serial(s, &d, p, err);
  if (rc != CD_OK) {
    con_device_release(&d);
    return rc;
  }
  *ret_device = d;
  return CD_OK;
}

static int refuse(struct lws *wsi, const char *device, const char *why)
{
  char peer[64];
  con_listen_peer(wsi, peer, sizeof(peer));
  con_listen_server(wsi)->counters.refused++;
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s peer=%s: refused: %s", device, peer, why);
  return -1;
}

/* Before the upgrade. */
static int on_filter(struct lws *wsi)
{
  char uri[64] = "";
  char protocol[64] = "";
  peer_certificate p = {0};
  con_device d = {0};
  cd_err err = {0};
  if (lws_hdr_copy(wsi, uri, sizeof(uri), WSI_TOKEN_GET_URI) <= 0 || strcmp(uri, PATH) != 0)
    return refuse(wsi, "", "it asks for another path than " PATH);
  if (lws_hdr_copy(wsi, protocol, sizeof(protocol), WSI_TOKEN_PROTOCOL) <= 0 ||
      strcmp(protocol, CD_PROTOCOL_NAME) != 0)
    return refuse(wsi, "", "it does not speak " CD_PROTOCOL_NAME);
  if (!read_certificate(wsi, &p))
    return refuse(wsi, "", "its certificate does not verify");
  if (admit(con_listen_server(wsi), &p, &d, &err) != CD_OK)
    return refuse(wsi, p.device, err.text);
  con_device_release(&d);
  return 0;
}

/* ---- what the link asks for ---- */

static void wire_close(void *wire, unsigned code, const char *why)
{
  session *s = wire;
  if (s->close_code != 0)
    return;
  s->close_code = code;
  cd_str text = cd_str_from(why);
  (void)cd_str_copy(s->close_why, sizeof(s->close_why),
                    (cd_str){text.ptr, cd_str_utf8_cut(text, CD_WS_REASON_MAX)});
  /* A peer that does not read is not waited for. */
  lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_SEND, 5);
  lws_callback_on_writable(s->wsi);
}

static void wire_send(void *wire, cd_buf *text)
{
  session *s = wire;
  message *m = NULL;
  if (s->queued + text->len <= QUEUE_MAX)
    m = malloc(sizeof(*m) + LWS_PRE + text->len);
  if (m == NULL) {
    wire_close(s, CD_WS_CLOSE_TRY_LATER, "it does not read, or there is no memory");
    return;
  }
  m->next = NULL;
  m->len = text->len;
  memcpy(m->bytes + LWS_PRE, text->ptr, text->len);
  if (s->last != NULL)
    s->last->next = m;
  else
    s->first = m;
  s->last = m;
  s->queued += m->len;
  lws_callback_on_writable(s->wsi);
}

static void wire_ping(void *wire)
{
  session *s = wire;
  s->ping = true;
  lws_callback_on_writable(s->wsi);
}

static void wire_read(void *wire, bool on)
{
  session *s = wire;
  (void)lws_rx_flow_control(s->wsi, on ? 1 : 0);
}

static const con_wire the_wire = {wire_send, wire_close, wire_ping, wire_read};

/* ---- one device, one connection ---- */

static void take_place(session *s)
{
  con_hub_put(con_listen_server(s->wsi), s->link);
  (void)lws_rx_flow_control(s->wsi, 1);
}

static void part(session *newer)
{
  if (newer->older != NULL)
    newer->older->challenger = NULL;
  newer->older = NULL;
}

/* There is a connection of this device already. Either it is dead and nobody has noticed, or the
 * same key is in two places. Which one shows a ping. */
static int challenge(session *s, session *older)
{
  cd_err err = {0};
  if (older->challenger != NULL)
    return refuse(s->wsi, s->link->device, "two more connections of it are there already");
  if (con_random_fill(older->challenge, sizeof(older->challenge), &err) != CD_OK)
    return refuse(s->wsi, s->link->device, err.text);
  older->challenger = s;
  older->ping_challenge = true;
  s->older = older;
  (void)lws_rx_flow_control(s->wsi, 0);
  lws_set_timer_usecs(s->wsi, CHALLENGE_US);
  lws_callback_on_writable(older->wsi);
  return 0;
}

static void write_places(const con_link *a, const con_link *b, cd_buf *out)
{
  cd_jw w;
  cd_err err = {0};
  cd_jw_init(&w, out);
  cd_jw_obj(&w, NULL);
  cd_jw_cstr(&w, "peer", a->peer);
  cd_jw_cstr(&w, "refused_peer", b->peer);
  cd_jw_end_obj(&w);
  if (cd_jw_done(&w, "an audit entry", &err) != CD_OK)
    cd_buf_reset(out);
}

static void on_alive(session *older)
{
  session *newer = older->challenger;
  con_server *s = con_listen_server(older->wsi);
  cd_err err = {0};
  cd_buf detail = CD_BUF_INIT(4096);
  part(newer);
  cd_log(CD_AREA_DEVICES, CD_LOG_ERROR,
         "device=%s: its key is in two places, at %s and at %s; the newer connection is refused",
         older->link->device, older->link->peer, newer->link->peer);
  write_places(older->link, newer->link, &detail);
  if (con_device_clone_suspected(s->store, cd_str_from(older->link->device), cd_buf_view(&detail),
                                 &err) != CD_OK)
    cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "device=%s: %s", older->link->device, err.text);
  cd_buf_release(&detail);
  s->counters.refused++;
  wire_close(newer, CD_WS_CLOSE_POLICY, "this device is connected from elsewhere");
}

static int on_timer(session *s)
{
  session *older = s->older;
  if (older == NULL)
    return 0;
  part(s);
  con_hub_remove(con_listen_server(s->wsi), older->link);
  con_link_close(older->link, CD_WS_CLOSE_GOING_AWAY, "replaced by a newer connection");
  take_place(s);
  return 0;
}

static int on_established(struct lws *wsi, session *s)
{
  con_server *server = con_listen_server(wsi);
  peer_certificate p = {0};
  con_device d = {0};
  cd_err err = {0};
  *s = (session){.wsi = wsi, .input = CD_BUF_INIT(CD_MESSAGE_MAX)};
  if (server->closing || !read_certificate(wsi, &p))
    return -1;
  if (admit(server, &p, &d, &err) != CD_OK)
    return refuse(wsi, p.device, err.text);
  s->link = con_link_new(server, &d, &the_wire, s);
  con_device_release(&d);
  if (s->link == NULL)
    return -1;
  con_listen_peer(wsi, s->link->peer, sizeof(s->link->peer));
  (void)cd_str_copy(s->link->serial, sizeof(s->link->serial), cd_str_from(p.serial));
  con_link *before = con_hub_find(server, cd_str_from(s->link->device));
  if (before != NULL && before->wire_object != NULL)
    return challenge(s, before->wire_object);
  take_place(s);
  return 0;
}

static void on_closed(session *s)
{
  if (s->challenger != NULL) { /* the one that waited for our silence need not wait longer */
    session *newer = s->challenger;
    part(newer);
    take_place(newer);
  }
  part(s);
  if (s->link != NULL) {
    con_hub_remove(s->link->server, s->link);
    if (s->link->phase == CON_LINK_READY)
      cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s: disconnected", s->link->device);
    con_link_lost(s->link);
  }
  s->link = NULL;
  while (s->first != NULL) {
    message *m = s->first;
    s->first = m->next;
    free(m);
  }
  s->last = NULL;
  cd_buf_release(&s->input);
}

/* ---- bytes ---- */

static int on_receive(struct lws *wsi, session *s, const void *bytes, size_t len)
{
  if (s->link == NULL || s->close_code != 0)
    return 0;
  cd_buf_add(&s->input, bytes, len);
  if (s->input.failed != CD_OK) {
    wire_close(s, CD_WS_CLOSE_TOO_BIG, "a message is larger than 512 KiB");
    return 0;
  }
  if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
    return 0;
  if (lws_frame_is_binary(wsi))
    con_link_binary(s->link, cd_buf_view(&s->input));
  else
    con_link_text(s->link, cd_buf_view(&s->input));
  cd_buf_release(&s->input); /* most are small, and there are many devices */
  return 0;
}

static int write_ping(session *s)
{
  /* libwebsockets sends no ping without a payload, and says nothing of it. */
  unsigned char bytes[LWS_PRE + CHALLENGE_SIZE] = {0};
  size_t len = 1;
  if (s->ping_challenge) {
    len = CHALLENGE_SIZE;
    memcpy(bytes + LWS_PRE, s->challenge, len);
  }
  s->ping = false;
  s->ping_challenge = false;
  return lws_write(s->wsi, bytes + LWS_PRE, len, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int on_writable(struct lws *wsi, session *s)
{
  message *m = s->first;
  if (s->ping || s->ping_challenge) {
    if (write_ping(s) != 0)
      return -1;
  } else if (m != NULL) {
    s->first = m->next;
    s->last = s->first != NULL ? s->last : NULL;
    s->queued -= m->len;
    int rc = lws_write(wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT);
    free(m);
    if (rc < 0)
      return -1;
  } else if (s->close_code != 0) {
    lws_close_reason(wsi, (enum lws_close_status)s->close_code, (unsigned char *)s->close_why,
                     strlen(s->close_why));
    return -1;
  }
  if (s->first != NULL || s->close_code != 0)
    lws_callback_on_writable(wsi);
  return 0;
}

static void on_pong(session *s, const void *payload, size_t len)
{
  if (s->link == NULL)
    return;
  con_link_heard(s->link);
  if (s->challenger != NULL && len == CHALLENGE_SIZE &&
      cd_equal_constant_time(payload, s->challenge, CHALLENGE_SIZE))
    on_alive(s);
}

int con_agents_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
  session *s = user;
  switch (reason) {
  case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
    /* What is returned replaces OpenSSL's own verdict, which is `len`. */
    return len != 0 ? 0 : 1;
  case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return on_filter(wsi);
  case LWS_CALLBACK_HTTP: /* no HTTP here */
    return refuse(wsi, "", "it asks for something else than a WebSocket");
  case LWS_CALLBACK_ESTABLISHED: return on_established(wsi, s);
  case LWS_CALLBACK_RECEIVE: return on_receive(wsi, s, in, len);
  case LWS_CALLBACK_RECEIVE_PONG: on_pong(s, in, len); return 0;
  case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(wsi, s);
  case LWS_CALLBACK_TIMER: return on_timer(s);
  case LWS_CALLBACK_CLOSED: on_closed(s); return 0;
  default: return 0;
  }
}
