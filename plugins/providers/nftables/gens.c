#include "gens.h"

#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "events.h"
#include "support/netlink.h"

static void take_generation(void *data, const iso_event *e)
{
  if (e->new_generation)
    *(iso_event *)data = *e;
}

cordon_status iso_gens_current(uint32_t *ret_generation, sup_err *err)
{
  struct {
    struct nlmsghdr head;
    struct nfgenmsg family;
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
                    .nlmsg_flags = NLM_F_REQUEST}};
  unsigned char answer[4096];
  size_t len = 0;
  cordon_status status =
      sup_netlink_ask_nftables(&ask, sizeof(ask), answer, sizeof(answer), &len, err);
  if (status != CORDON_OK)
    return status;
  iso_event e = {0};
  iso_events_walk(answer, len, take_generation, &e);
  if (e.new_generation) {
    *ret_generation = e.generation;
    return CORDON_OK;
  }
  const unsigned char *bytes = answer;
  sup_message m;
  int os_error = sup_message_next(&bytes, &len, &m) ? sup_message_error(&m) : -1;
  if (os_error > 0)
    return sup_fail_os(err, os_error,
                       "the kernel does not tell the generation of its nftables rules");
  return sup_fail(err, CORDON_E_IO, "the kernel's answer about its nftables rules makes no sense");
}

/* Generation numbers wrap and leave out 0. */
static uint32_t after(uint32_t generation)
{
  return generation == UINT32_MAX ? 1 : generation + 1;
}

cordon_status iso_gens_begin(iso_gens *g, sup_err *err)
{
  uint32_t before = 0;
  cordon_status status = iso_gens_current(&before, err);
  if (status != CORDON_OK)
    return status;
  (void)pthread_mutex_lock(&g->lock);
  g->loading = true;
  g->before = before;
  (void)pthread_mutex_unlock(&g->lock);
  return CORDON_OK;
}

void iso_gens_end(iso_gens *g)
{
  uint32_t now = 0;
  bool known = iso_gens_current(&now, NULL) == CORDON_OK;
  (void)pthread_mutex_lock(&g->lock);
  if (known && now == after(g->before))
    g->ours[g->count++ % ISO_GENS_KEPT] = now;
  g->loading = false;
  (void)pthread_mutex_unlock(&g->lock);
}

cordon_status iso_gens_undisturbed(iso_gens *g, bool *ret_undisturbed, sup_err *err)
{
  uint32_t now = 0;
  cordon_status status = iso_gens_current(&now, err);
  if (status != CORDON_OK)
    return status;
  (void)pthread_mutex_lock(&g->lock);
  *ret_undisturbed = now == after(g->before);
  (void)pthread_mutex_unlock(&g->lock);
  return CORDON_OK;
}

iso_maker iso_gens_maker(iso_gens *g, uint32_t generation)
{
  iso_maker maker = ISO_THEIRS;
  (void)pthread_mutex_lock(&g->lock);
  uint32_t kept = g->count < ISO_GENS_KEPT ? g->count : ISO_GENS_KEPT;
  for (uint32_t i = 0; i < kept; i++) {
    if (g->ours[i] == generation)
      maker = ISO_OURS;
  }
  /* Later than the generation before the load: the difference is small, also over the wrap. */
  if (maker == ISO_THEIRS && g->loading && (int32_t)(generation - g->before) > 0)
    maker = ISO_UNSETTLED;
  (void)pthread_mutex_unlock(&g->lock);
  return maker;
}
