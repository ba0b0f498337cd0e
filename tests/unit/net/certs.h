/* Keys and certificates for the tests, made anew in each run. For tests only. */
#ifndef NET_TEST_CERTS_H
#define NET_TEST_CERTS_H

#include "base/str.h"

#define CERT_PEM_MAX 4096

typedef enum cert_name {
  CERT_CA = 0,      /* the console's CA */
  CERT_CA_OTHER,    /* one that nobody pinned, with the same name */
  CERT_SERVER,      /* console.test, 127.0.0.1, ::1 */
  CERT_NAME_ONLY,   /* console.test, no address */
  CERT_COMMON_NAME, /* CN=console.test, no subjectAltName */
  CERT_EXPIRED,
  CERT_FUTURE,
  CERT_CLIENT_USE, /* for clients only, as a device's */
  CERT_ANY_USE,    /* without extended key usage */
  CERT_FOREIGN,    /* a server's, issued by the other CA */
  CERT_DEVICE,
  CERT_DEVICE_EXPIRED,
  CERT_DEVICE_FOREIGN, /* issued by the other CA */
  CERT_COUNT
} cert_name;

typedef struct cert_pair {
  char certificate[CERT_PEM_MAX];
  char key[CERT_PEM_MAX];
} cert_pair;

/* Made when first asked for; a failure ends the program. */
const cert_pair *cert_of(cert_name name);
cd_str cert_pem(cert_name name);
cd_str cert_key(cert_name name);

#endif
