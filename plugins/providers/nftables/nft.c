#include "nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <nftables/libnftables.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "netlink.h"
#include "ruleset.h"
#include "support/json.h"

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

static cordon_status run(const char *commands, unsigned flags, bool dry, const char *what,
                         sup_text *out, sup_err *err)
{
  struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
  if (ctx == NULL)
    return sup_fail(err, CORDON_E_LIMIT, "there is no memory for nftables");
  cordon_status status = CORDON_OK;
  nft_ctx_output_set_flags(ctx, flags);
  nft_ctx_set_dry_run(ctx, dry);
  if (nft_ctx_buffer_output(ctx) != 0 || nft_ctx_buffer_error(ctx) != 0) {
    status = sup_fail(err, CORDON_E_LIMIT, "there is no memory for the output of nftables");
    goto done;
  }
  if (nft_run_cmd_from_buffer(ctx, commands) != 0) {
    status = fail_with_output(ctx, what, err);
    goto done;
  }
  if (out != NULL) {
    const char *text = nft_ctx_get_output_buffer(ctx);
    sup_text_add(out, text != NULL ? text : "");
    if (out->failed)
      status = sup_fail(err, CORDON_E_LIMIT, "%s: the output is longer than %zu bytes", what,
                        out->limit);
  }
done:
  nft_ctx_free(ctx);
  return status;
}

cordon_status iso_nft_load(const char *commands, bool dry, sup_err *err)
{
  return run(commands, 0, dry,
             dry ? "nftables would not take the rules" : "nftables did not take the rules", NULL,
             err);
}

cordon_status iso_nft_list(const char *command, bool stateful, sup_text *out, sup_err *err)
{
  unsigned flags =
      NFT_CTX_OUTPUT_NUMERIC_ALL | (stateful ? 0u : (unsigned)NFT_CTX_OUTPUT_STATELESS);
  return run(command, flags, false, "the rules could not be listed", out, err);
}

/* Asks the kernel for this one table: somebody may have made more tables than can be listed. */
cordon_status iso_nft_has_table(bool *ret_there, sup_err *err)
{
  struct {
    struct nlmsghdr head;
    struct nfgenmsg family;
    struct nlattr name_head;
    char name[(sizeof(ISO_TABLE) + 3) / 4 * 4];
  } ask = {.head = {.nlmsg_len = sizeof(ask),
                    .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
                    .nlmsg_flags = NLM_F_REQUEST},
           .family = {.nfgen_family = NFPROTO_INET},
           .name_head = {.nla_len = sizeof(struct nlattr) + sizeof(ISO_TABLE),
                         .nla_type = NFTA_TABLE_NAME},
           .name = ISO_TABLE};
  unsigned char answer[4096];
  size_t len = 0;
  cordon_status status =
      iso_netlink_ask(NETLINK_NETFILTER, &ask, sizeof(ask), answer, sizeof(answer), &len, err);
  if (status != CORDON_OK)
    return status;
  const unsigned char *bytes = answer;
  iso_message m;
  if (!iso_message_next(&bytes, &len, &m))
    return sup_fail(err, CORDON_E_IO, "the kernel's answer about our table makes no sense");
  int os_error = iso_message_error(&m);
  if (os_error > 0 && os_error != ENOENT)
    return sup_fail_os(err, os_error, "the kernel does not tell whether our table is there");
  *ret_there = os_error < 0;
  return CORDON_OK;
}

cordon_status iso_nft_version(char *ret_version, size_t size, sup_err *err)
{
  sup_text text = SUP_TEXT_INIT(ISO_LISTING_MAX);
  cordon_status status = run("list tables", NFT_CTX_OUTPUT_JSON, false,
                             "nftables could not list the tables", &text, err);
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
