#include "dumps.h"

#include <string.h>

#include <linux/netlink.h>

#include "support/netlink.h"

enum { READ_TRIES = 8 };

typedef struct reading {
  const iso_asked *asked;
  bool interrupted;
  int os_error; /* with which the kernel ended it; 0: none */
} reading;

/* A dump that fails can say so in a message of its own, or in its last. */
static int error_in(const unsigned char *bytes, size_t len)
{
  sup_message m;
  while (sup_message_next(&bytes, &len, &m)) {
    int error = 0;
    if (m.type == NLMSG_ERROR)
      return sup_message_error(&m);
    if (m.type == NLMSG_DONE && m.len >= sizeof(error))
      memcpy(&error, m.payload, sizeof(error));
    if (error < 0 && error >= -4095)
      return -error;
  }
  return 0;
}

static bool take_part(void *data, const unsigned char *bytes, size_t len)
{
  reading *r = data;
  bool done = false;
  r->asked->take(r->asked->data, bytes, len, &done, &r->interrupted);
  if (done)
    r->os_error = error_in(bytes, len);
  return !done;
}

cordon_status iso_ask_all(const iso_asked *asked, sup_err *err)
{
  cordon_status status = CORDON_OK;
  reading r = {.interrupted = true};
  for (int i = 0; i < READ_TRIES && status == CORDON_OK && r.interrupted; i++) {
    r = (reading){.asked = asked};
    asked->forget(asked->data);
    status = sup_netlink_dump_nftables(asked->request, asked->len, take_part, &r, err);
    if (status == CORDON_OK && r.os_error != 0)
      status = sup_fail_os(err, r.os_error, "the kernel does not tell %s", asked->what);
  }
  if (status == CORDON_OK && r.interrupted)
    status = sup_fail(err, CORDON_E_UNAVAILABLE,
                      "%s could not be read: the rules changed each of %d times", asked->what,
                      READ_TRIES);
  return status;
}
