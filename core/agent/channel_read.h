/* What cordon-channel says, read and checked: it may have been taken over from the network. Pure
 * functions; the fuzzer lives here (tests/fuzz/fuzz_agent_channel.c). docs/ipc.md has every member.
 * Readers with a document give views into it, which the caller frees; on failure there is nothing
 * to free. */
#ifndef AGENT_CHANNEL_READ_H
#define AGENT_CHANNEL_READ_H

#include "base/json.h"
#include "config.h"
#include "journal_remote.h"
#include "protocol/enroll.h"
#include "protocol/limits.h"

typedef struct channel_open {
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
  char address[AGENT_ADDRESS_MAX];
  bool proxy;
  int64_t issued_ms; /* of this device's certificate */
  int64_t expires_ms;
} channel_open;
CD_MUST_USE cd_code channel_open_read(cd_str payload, channel_open *ret_open, cd_err *err);

typedef struct channel_addresses {
  char host[CD_HTTP_HOST_MAX + 1];
  uint16_t port;
  unsigned count;
  char addresses[AGENT_CONSOLE_ADDRESSES_MAX][AGENT_ADDRESS_MAX];
} channel_addresses;
CD_MUST_USE cd_code channel_addresses_read(cd_str payload, channel_addresses *ret_addresses,
                                           cd_err *err);

/* A literal address and a port. */
CD_MUST_USE cd_code channel_want_socket_read(cd_str payload, agent_endpoint *ret_endpoint,
                                             cd_err *err);

typedef struct channel_welcome {
  cd_str console;
  uint8_t nonce[CD_NONCE_SIZE];
  cd_str key;
  cd_str mark;
} channel_welcome;
CD_MUST_USE cd_code channel_welcome_read(cd_str payload, cd_json_doc **ret_doc,
                                         channel_welcome *ret_welcome, cd_err *err);
/* `code` and, unless it is CD_OK, a sentence. */
CD_MUST_USE cd_code channel_ack_read(cd_str payload, cd_code *ret_code,
                                     char ret_sentence[CD_ERR_TEXT_MAX], cd_err *err);
CD_MUST_USE cd_code channel_order_read(cd_str payload, const char *member, cd_json_doc **ret_doc,
                                       cd_str *ret_order, cd_str *ret_key, cd_err *err);
typedef struct channel_lost {
  char sentence[CD_ERR_TEXT_MAX];
  uint64_t wait_ms;
} channel_lost;
CD_MUST_USE cd_code channel_lost_read(cd_str payload, channel_lost *ret_lost, cd_err *err);
/* Where a package goes on, and how much of it is kept. */
typedef struct channel_stream {
  uint64_t stream;
  uint64_t offset;
} channel_stream;
CD_MUST_USE cd_code channel_stream_read(cd_str payload, channel_stream *ret_stream, cd_err *err);
typedef struct channel_kept {
  channel_stream at;
  bool done;
  char sentence[CD_ERR_TEXT_MAX]; /* empty: nothing is wrong */
} channel_kept;
CD_MUST_USE cd_code channel_kept_read(cd_str payload, channel_kept *ret_kept, cd_err *err);
/* A text that must be there and not empty: a certificate, a sentence. */
CD_MUST_USE cd_code channel_text_read(cd_str payload, const char *member, size_t max,
                                      cd_json_doc **ret_doc, cd_str *ret_text, cd_err *err);

#endif
