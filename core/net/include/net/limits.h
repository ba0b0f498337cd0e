/* Ceilings and waits of core/net, each with its reason. Sizes are bytes unless the name says
 * otherwise. */
#ifndef NET_LIMITS_H
#define NET_LIMITS_H

/* Certificates and a key in PEM. A distribution's whole bundle of CAs has 220 KB. */
#define NET_PEM_MAX (512u * 1024u)
/* Encrypted bytes that wait for a peer that does not read: the largest message eight times over. */
#define NET_QUEUE_MAX (4u * 1024u * 1024u)
/* The body of an HTTPS answer. An enrolment's is 6 KB. */
#define NET_BODY_MAX (256u * 1024u)
/* The body of an HTTPS request: a token, a request for a certificate, a proof; 4 KB. */
#define NET_REQUEST_BODY_MAX (64u * 1024u)

/* From the first packet until the console has switched to WebSocket. */
#define NET_OPEN_MS 20000u
/* After so long without a byte from the peer it is asked whether it is there. */
#define NET_PING_MS 30000u
/* It must be heard within this time then. */
#define NET_PONG_MS 10000u
/* From our close frame until the peer's. */
#define NET_CLOSE_MS 5000u
/* What is queued is written in this time when a connection ends, or dropped. */
#define NET_DRAIN_MS 2000u
/* A whole HTTPS request and its answer. */
#define NET_HTTPS_MS 30000u

#endif
