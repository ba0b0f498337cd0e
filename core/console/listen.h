/* The two listeners of libwebsockets, between people.c and agents.c. */
#ifndef CON_LISTEN_H
#define CON_LISTEN_H

#include <libwebsockets.h>

#include "server.h"

/* The server that a connection belongs to. */
con_server *con_listen_server(struct lws *wsi);
/* The peer's address as text. */
/* An IPv4 address that a socket for both families wrote as ::ffff:192.0.2.1, as it is. In place. */
void con_plain_address(char *address);
void con_listen_peer(struct lws *wsi, char *out, size_t size);

int con_people_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);
int con_agents_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len);
extern const size_t con_people_session; /* bytes for each connection */
extern const size_t con_agents_session;

#endif
