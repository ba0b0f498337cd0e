#include "nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <nftables/libnftables.h>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "ruleset.h"
#include "support/json.h"
#include "support/netlink.h"

/* NFT_TABLE_F_OWNER, Linux 5.12. */
enum { TABLE_OWNED = 1 << 1 };

const iso_table iso_plain_table = {.name = ISO_TABLE};
const iso_table iso_guard_table = {.name = ISO_GUARD_TABLE};
const iso_table iso_strict_table = {.name = ISO_STRICT_TABLE, .netdev = true};

/* libnftables gives sentences, not codes. The status follows from the text of the kernel's error,
 * which ends the first line. */
static cordon_status status_of_text(const char *line)
{
  static const struct {
    const char *text;
    int os_error;
  } known[] = {
      {"Operation not permitted", EPERM},    {"Permission denied", EACCES},
      {"No such file or directory", ENOENT}, {"Operation not supported", EOPNOTSUPP},
      {"Protocol error", EOPNOTSUPP},        {"Protocol not supported", EPROTONOSUPPORT},
      {"Cannot allocate memory", ENOMEM},    {"No buffer space available", ENOBUFS},
      {"Device or resource busy", EBUSY},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strstr(line, known[i].text) != NULL)
      return sup_status_of(known[i].os_error);
  }
  return CORDON_E_IO;
}

static cordon_status fail_with_output(struct nft_ctx *ctx, const char *what, sup_err *err)
{
  const char *text = nft_ctx_get_error_buffer(ctx);
  char line[256];
  (void)snprintf(line, sizeof(line), "%s",
                 text != NULL && text[0] != '\0' ? text : "nftables gave no reason");
  line[strcspn(line, "\n")] = '\0';
  return sup_fail(err, status_of_text(line), "%s: %s", what, line);
}

static cordon_status run_in(struct nft_ctx *ctx, const char *commands, const char *what,
                            sup_text *out, sup_err *err)
{
  if (nft_ctx_buffer_output(ctx) != 0 || nft_ctx_buffer_error(ctx) != 0)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for the output of nftables");
  if (nft_run_cmd_from_buffer(ctx, commands) != 0)
    return fail_with_output(ctx, what, err);
  if (out == NULL)
    return CORDON_OK;
  const char *text = nft_ctx_get_output_buffer(ctx);
  sup_text_add(out, text != NULL ? text : "");
  if (out->failed)
    return sup_fail(err, CORDON_E_LIMIT, "%s: the output is longer than %zu bytes", what,
                    out->limit);
  return CORDON_OK;
}

static cordon_status run(const char *commands, unsigned flags, bool dry, const char *what,
                         sup_text *out, sup_err *err)
{
  struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
  if (ctx == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for nftables");
  nft_ctx_output_set_flags(ctx, flags);
  nft_ctx_set_dry_run(ctx, dry);
  cordon_status status = run_in(ctx, commands, what, out, err);
  nft_ctx_free(ctx);
  return status;
}

cordon_status iso_session_open(iso_session **ret_session, sup_err *err)
{
  struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
  if (ctx == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for nftables");
  *ret_session = (iso_session *)ctx;
  return CORDON_OK;
}

cordon_status iso_session_load(iso_session *session, const char *commands, sup_err *err)
{
  return run_in((struct nft_ctx *)session, commands, "nftables did not take the rules", NULL, err);
}

void iso_session_close(iso_session *session)
{
  if (session != NULL)
    nft_ctx_free((struct nft_ctx *)session);
}

cordon_status iso_nft_load(const char *commands, bool dry, sup_err *err)
{
  return run(commands, 0, dry,
             dry ? "nftables would not take the rules" : "nftables did not take the rules", NULL,
             err);
}

static cordon_status list(iso_session *session, const char *command, unsigned more, sup_text *out,
                          sup_err *err)
{
  static const char what[] = "the rules could not be listed";
  struct nft_ctx *ctx = (struct nft_ctx *)session;
  unsigned flags = NFT_CTX_OUTPUT_NUMERIC_ALL | NFT_CTX_OUTPUT_STATELESS | more;
  if (ctx == NULL)
    return run(command, flags, false, what, out, err);
  nft_ctx_output_set_flags(ctx, flags);
  cordon_status status = run_in(ctx, command, what, out, err);
  /* A long listing is not kept until the next. */
  (void)nft_ctx_unbuffer_output(ctx);
  nft_ctx_output_set_flags(ctx, 0);
  return status;
}

cordon_status iso_nft_list(iso_session *session, const char *command, sup_text *out, sup_err *err)
{
  return list(session, command, 0, out, err);
}

cordon_status iso_nft_list_terse(iso_session *session, const char *command, sup_text *out,
                                 sup_err *err)
{
  return list(session, command, NFT_CTX_OUTPUT_TERSE, out, err);
}

static bool is_owned(const sup_message *m)
{
  const unsigned char *bytes = m->payload;
  size_t len = m->len;
  sup_attribute a;
  if (len < sizeof(struct nfgenmsg))
    return false;
  bytes += sizeof(struct nfgenmsg);
  len -= sizeof(struct nfgenmsg);
  while (sup_attribute_next(&bytes, &len, &a)) {
    uint32_t flags = 0;
    if (a.type != NFTA_TABLE_FLAGS || a.len != sizeof(flags))
      continue;
    memcpy(&flags, a.value, sizeof(flags));
    return (ntohl(flags) & TABLE_OWNED) != 0;
  }
  return false;
}

cordon_status iso_nft_ask_of(const iso_table *table, uint16_t message, uint16_t flags,
                             iso_table_ask *ret_ask, size_t *ret_len, sup_err *err)
{
  size_t name_len = strlen(table->name) + 1;
  if (name_len > sizeof(ret_ask->name))
    return sup_fail(err, CORDON_E_LIMIT, "the name of a table is too long");
  *ret_ask = (iso_table_ask){
      .head = {.nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), .nlmsg_flags = flags},
      .family = {.nfgen_family = table->netdev ? NFPROTO_NETDEV : NFPROTO_INET},
      .name_head = {.nla_type = NFTA_TABLE_NAME,
                    .nla_len = (uint16_t)(sizeof(struct nlattr) + name_len)}};
  memcpy(ret_ask->name, table->name, name_len);
  *ret_len = sizeof(*ret_ask) - sizeof(ret_ask->name) + (name_len + 3) / 4 * 4;
  ret_ask->head.nlmsg_len = (uint32_t)*ret_len;
  return CORDON_OK;
}

/* Asks the kernel for this one table: somebody may have made more tables than can be listed. */
cordon_status iso_nft_has_table(const iso_table *table, bool *ret_there, bool *ret_owned,
                                sup_err *err)
{
  iso_table_ask ask;
  size_t ask_len = 0;
  unsigned char answer[4096];
  size_t len = 0;
  cordon_status status =
      iso_nft_ask_of(table, NFT_MSG_GETTABLE, NLM_F_REQUEST, &ask, &ask_len, err);
  if (status == CORDON_OK)
    status = sup_netlink_ask_nftables(&ask, ask_len, answer, sizeof(answer), &len, err);
  if (status != CORDON_OK)
    return status;
  const unsigned char *bytes = answer;
  sup_message m;
  if (!sup_message_next(&bytes, &len, &m))
    return sup_fail(err, CORDON_E_IO, "the kernel's answer about our table makes no sense");
  int os_error = sup_message_error(&m);
  /* A kernel without the family has no table of it. */
  bool absent = os_error == ENOENT || (table->netdev && os_error == EAFNOSUPPORT);
  if (os_error > 0 && !absent)
    return sup_fail_os(err, os_error, "the kernel does not tell whether our table is there");
  *ret_there = os_error < 0;
  if (ret_owned != NULL)
    *ret_owned = os_error < 0 && is_owned(&m);
  return CORDON_OK;
}

/* From a list that has no tables in it: libnftables 1.0.6 frees the flags of a table with an owner
 * twice when it writes them as JSON. */
cordon_status iso_nft_version(char *ret_version, size_t size, sup_err *err)
{
  sup_text text = SUP_TEXT_INIT(ISO_LISTING_MAX);
  cordon_status status = run("list limits", NFT_CTX_OUTPUT_JSON, false,
                             "nftables could not tell its version", &text, err);
  if (status == CORDON_OK) {
    cJSON *doc = cJSON_Parse(sup_text_get(&text));
    const cJSON *first = doc != NULL ? cJSON_GetArrayItem(sup_json_get(doc, "nftables"), 0) : NULL;
    const cJSON *version =
        first != NULL ? sup_json_get(sup_json_get(first, "metainfo"), "version") : NULL;
    (void)snprintf(ret_version, size, "%s",
                   version != NULL && cJSON_IsString(version) ? version->valuestring : "unknown");
    cJSON_Delete(doc);
  }
  sup_text_release(&text);
  return status;
}
