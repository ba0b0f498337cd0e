/* What the device is to do: orders that wait. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "link.h"
#include "store_exclusions.h"

#include "base/banned.h"

#define RETRY_MS 5000u /* after the signer was not there, or its caps were reached */

/* ---- what was sent in this connection ---- */

static bool was_handed(const con_link *l, const char *action)
{
  for (unsigned i = 0; l->orders != NULL && i < l->orders->handed_count; i++) {
    if (strcmp(l->orders->handed[i], action) == 0)
      return true;
  }
  return false;
}

static con_sent *find_sent(con_link *l, uint64_t id)
{
  for (unsigned i = 0; l->orders != NULL && i < CON_LINK_ORDERS; i++) {
    if (l->orders->sent[i].id == id)
      return &l->orders->sent[i];
  }
  return NULL;
}

typedef struct due_search {
  const con_link *link;
  char id[CD_ID_SIZE];
} due_search;

static bool each_due(void *context, const con_action *a)
{
  due_search *search = context;
  if (was_handed(search->link, a->id))
    return true;
  memcpy(search->id, a->id, sizeof(search->id));
  return false;
}

static void try_later(con_link *l, const char *why)
{
  if (con_link_set_note(&l->note, cd_str_from(why)))
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s: an order waits: %s", l->device, why);
  l->retry_ms = cd_mono_ms() + RETRY_MS;
}

typedef struct sift {
  const con_link *link;
  unsigned kept;
  char handed[CON_LINK_HANDED][CD_ID_SIZE];
} sift;

static bool each_kept(void *context, const con_action *a)
{
  sift *s = context;
  if (was_handed(s->link, a->id) && s->kept < CON_LINK_HANDED)
    memcpy(s->handed[s->kept++], a->id, CD_ID_SIZE);
  return true;
}

/* What has ended is never due again, so that it was sent need not be known any longer. */
static void forget_ended(con_link *l)
{
  sift s = {.link = l};
  cd_err err = {0};
  if (con_action_due(l->server->store, cd_str_from(l->device), each_kept, &s, &err) != CD_OK)
    return;
  memcpy(l->orders->handed, s.handed, sizeof(s.handed));
  l->orders->handed_count = s.kept;
}

/* False: there are as many as may be, or there is no memory. */
static bool can_hand(con_link *l)
{
  if (l->orders == NULL)
    l->orders = calloc(1, sizeof(*l->orders));
  if (l->orders != NULL && l->orders->handed_count == CON_LINK_HANDED)
    forget_ended(l);
  return l->orders != NULL && l->orders->handed_count < CON_LINK_HANDED;
}

static void note_handed(con_link *l, const char *action)
{
  con_link_orders *o = l->orders;
  (void)cd_str_copy(o->handed[o->handed_count++], CD_ID_SIZE, cd_str_from(action));
}

/* ---- sending ---- */

static void send_order(con_link *l, const char *action, cd_str order, cd_str key)
{
  bool can = can_hand(l);
  con_sent *place = find_sent(l, 0);
  cd_err err = {0};
  cd_buf out = CD_BUF_INIT(CD_MESSAGE_MAX);
  const cd_order_message message = {.order = order, .key = key};
  if (place == NULL || !can) {
    con_link_close(l, 1012, "too many orders without an answer");
    return;
  }
  CD_FAULT_POINT("console.order_signed");
  cd_code rc = con_action_sent(l->server->store, cd_str_from(action), order, &err);
  if (rc == CD_OK)
    rc = cd_order_message_write(&message, l->last_id + 1, &out, &err);
  if (rc == CD_OK) {
    CD_FAULT_POINT("console.order_recorded");
    place->id = ++l->last_id;
    (void)cd_str_copy(place->action, sizeof(place->action), cd_str_from(action));
    note_handed(l, action);
    l->server->counters.orders_sent++;
    (void)con_link_set_note(&l->note, (cd_str){0});
    cd_log(CD_AREA_DEVICES, CD_LOG_INFO, "device=%s action=%s: order sent", l->device, action);
    con_link_send(l, &out);
    CD_FAULT_POINT("console.order_sent");
  } else {
    try_later(l, err.text);
  }
  cd_buf_release(&out);
}

/* The signer will never sign it: it ends here, unless somebody ended it meanwhile. */
static void give_up(con_link *l, const char *action, const con_signer_reply *reply)
{
  con_action a = {0};
  cd_err err = {0};
  const con_action_outcome outcome = {.status = CD_ACTION_FAILED,
                                      .outcome = cd_str_from(cd_code_name(reply->code)),
                                      .sentence = cd_str_from(reply->sentence)};
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: not signed: %s", l->device, action,
         reply->sentence);
  cd_code rc = con_action_get(l->server->store, cd_str_from(action), &a, &err);
  if (rc == CD_OK && !cd_action_status_final(a.status))
    rc = con_action_ended(l->server->store, cd_str_from(action), &outcome, &err);
  if (rc == CD_OK && cd_str_eq_cstr(a.source, CON_SOURCE_CONSOLE))
    con_link_not_repeated(l, reply->sentence);
  con_action_release(&a);
  if (rc != CD_OK)
    try_later(l, err.text);
}

static void on_order_signed(void *context, const con_signer_reply *reply)
{
  con_link *l = context;
  bool ours = l->phase == CON_LINK_READY;
  l->signing = false;
  if (ours && reply->code == CD_OK) {
    send_order(l, l->signing_action, reply->order,
               reply->order_key.len > 0 ? reply->order_key
                                        : cd_str_from(l->server->keys.order_key));
  } else if (ours && (reply->code == CD_E_DENIED || reply->code == CD_E_INVALID)) {
    give_up(l, l->signing_action, reply);
  } else if (ours) {
    try_later(l, reply->sentence);
  }
  if (ours && l->retry_ms == 0)
    con_link_pump(l);
  con_link_drop(l);
}

/* An order that was signed before serves as long as its generation does. */
static void start_order(con_link *l, const char *id)
{
  con_action a = {0};
  cd_err err = {0};
  uint64_t generation = 0;
  cd_code rc = con_action_refresh(l->server->store, cd_str_from(id), &generation, &err);
  if (rc == CD_OK)
    rc = con_action_get(l->server->store, cd_str_from(id), &a, &err);
  if (rc != CD_OK) {
    try_later(l, err.text);
    return;
  }
  /* The signer signs nothing that is over; the tick ends it (con_action_expire()). */
  if (a.expires_ms <= cd_wall_ms() && can_hand(l)) {
    note_handed(l, id);
    con_action_release(&a);
    return;
  }
  const con_sign_order order = {.device = a.device,
                                .action = cd_str_from(id),
                                .generation = generation,
                                .expires_ms = a.expires_ms,
                                .parameters = a.parameters,
                                .audit = a.audit};
  CD_FAULT_POINT("console.order_refreshed");
  l->signing = true;
  (void)cd_str_copy(l->signing_action, sizeof(l->signing_action), order.action);
  con_link_retain(l);
  con_signer_sign_order(l->server->signer, &order, on_order_signed, l);
  con_action_release(&a);
}

void con_link_pump(con_link *l)
{
  due_search search = {.link = l};
  cd_err err = {0};
  if (l->phase != CON_LINK_READY || l->signing || l->retry_ms != 0 || l->wire_object == NULL)
    return;
  if (con_action_due(l->server->store, cd_str_from(l->device), each_due, &search, &err) != CD_OK) {
    try_later(l, err.text);
    return;
  }
  if (search.id[0] != '\0')
    start_order(l, search.id);
}

/* ---- answers ---- */

static void take_ack(con_link *l, const char *action, const cd_order_ack *ack)
{
  cd_err err = {0};
  CD_FAULT_POINT("console.ack_heard");
  if (ack->accepted || ack->refusal == CD_REFUSAL_REPLAYED) {
    if (con_action_accepted(l->server->store, cd_str_from(action), &err) != CD_OK)
      cd_log(CD_AREA_DEVICES, CD_LOG_ERROR, "action=%s: %s", action, err.text);
    CD_FAULT_POINT("console.ack_recorded");
    return;
  }
  /* Unsigned, so nothing ends by it: a signed result follows, or the order is sent again in the
   * next connection. */
  cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: the order was refused (%s): %.*s",
         l->device, action, cd_refusal_name(ack->refusal), CD_STR_ARG(ack->sentence));
  cd_buf text = CD_BUF_INIT(CD_ERR_TEXT_MAX * 2);
  cd_buf_addf(&text, "the device refused the order: %.*s", CD_STR_ARG(ack->sentence));
  cd_str cut = {cd_buf_cstr(&text), cd_str_utf8_cut(cd_buf_view(&text), CD_ERR_TEXT_MAX - 1)};
  (void)con_link_set_note(&l->note, cut);
  cd_buf_release(&text);
}

void con_link_answer(con_link *l, cd_rpc *m)
{
  if (con_link_policy_answer(l, m))
    return;
  con_sent *place = m->id != 0 ? find_sent(l, m->id) : NULL;
  cd_order_ack ack = {0};
  cd_err err = {0};
  if (place == NULL)
    return;
  place->id = 0;
  if (cd_order_ack_read(m, &ack, &err) == CD_OK)
    take_ack(l, place->action, &ack);
  else
    cd_log(CD_AREA_DEVICES, CD_LOG_WARN, "device=%s action=%s: %s", l->device, place->action,
           err.text);
  con_link_pump(l);
}
