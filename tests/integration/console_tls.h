/* The TLS of the test's console: mbedTLS's server over blocking sockets, and its CA. */
#ifndef TEST_CONSOLE_TLS_H
#define TEST_CONSOLE_TLS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ctls ctls;
typedef struct ctls_conn ctls_conn;

ctls *ctls_new(void);
void ctls_free(ctls *t);
cd_str ctls_ca(const ctls *t);     /* PEM */
cd_str ctls_ca_key(const ctls *t); /* PEM */
/* A certificate for the key of the request (or for another key), with this CN, of an hour that ends
 * in so many seconds. */
void ctls_issue(ctls *t, cd_str csr, const char *name, unsigned left_s, bool other_key, char *out,
                size_t out_size);

/* On loopback; negative where there is no IPv6. */
int ctls_listen(bool v6, uint16_t *ret_port);
int ctls_accept_socket(int listener);
/* Takes over the socket; NULL: no TLS came of it. */
ctls_conn *ctls_accept(ctls *t, int fd);
/* It showed a certificate of the CA. */
bool ctls_client_is_good(ctls_conn *c);
bool ctls_wait(ctls_conn *c, int ms);                /* there is something to read */
int ctls_read(ctls_conn *c, char *out, size_t size); /* 0 or less: it has ended */
/* Up to the empty line. */
bool ctls_read_head(ctls_conn *c, char *out, size_t size);
void ctls_write(ctls_conn *c, const char *bytes, size_t len);
void ctls_close(ctls_conn *c);

#endif
