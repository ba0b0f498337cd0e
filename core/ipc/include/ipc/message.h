/* What travels in frames. Payloads are JSON objects unless said otherwise; docs/ipc.md has every
 * member.
 *
 * Agent and plugin host (descriptor 3 of the host; the library to load is descriptor 4):
 *
 *   agent                                host
 *     SETUP ------------------------------>        confine itself, load, create
 *     <------------------------------ HELLO        (or REFUSED, and it exits)
 *     START(op) -------------------------->        a worker thread runs the plugin's function
 *     <---- LOG, PROGRESS(op), RECORD(op), UNDO(op)
 *     UNDO_DONE(op), CREDIT(op), CANCEL(op) ->
 *     <----------------------------- RESULT(op), then END(op), exactly one
 *     QUIT ------------------------------->        destroy, exit
 *
 * Agent and channel (descriptor 3 of the channel):
 *
 *   agent                                channel
 *     SETUP ------------------------------>        confine itself
 *     <------------------------------ HELLO        (or REFUSED, and it exits)
 *     <----------------- CHAN_WANT_SOCKET(op)      CHAN_SOCKET(op) with the socket ->
 *     <------------------- CHAN_OPEN(connection)   CHAN_HELLO(connection) ->
 *     <----------------------- CHAN_WELCOME        CHAN_MARK(op) ->        <- CHAN_ACK(op)
 *     CHAN_RESULT(op), CHAN_RENEW(op), CHAN_REPORT, CHAN_PROGRESS ->
 *     <---------------------- CHAN_ORDER(op)       CHAN_ORDER_ACK(op) ->
 *     <--------------------- CHAN_POLICY(op)       CHAN_POLICY_ACK(op) ->
 *     <-------------------------- CHAN_LOST        everything of the connection is void
 *
 * `cordon local` and agent (the control socket): one REQUEST, any number of EVENTs, one RESPONSE.
 */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

enum {
  /* agent to host */
  IPC_SETUP = 1,     /* who the plugin is, its settings, how to confine itself */
  IPC_START = 2,     /* run this function with these parameters */
  IPC_CANCEL = 3,    /* end this operation soon */
  IPC_UNDO_DONE = 4, /* the undo record is on disk, or it is not */
  IPC_CREDIT = 5,    /* so many more RECORDs may be sent for this operation */
  IPC_QUIT = 6,      /* destroy and exit */

  /* host to agent */
  IPC_HELLO = 16,    /* loaded and created; which functions there are, what was confined */
  IPC_REFUSED = 17,  /* it could not be; the host exits */
  IPC_LOG = 18,      /* a log line of the plugin */
  IPC_PROGRESS = 19, /* done of total */
  IPC_RECORD = 20,   /* any JSON object, as the plugin emitted it */
  IPC_UNDO = 21,     /* any JSON object, as the plugin noted it; answered by UNDO_DONE */
  IPC_RESULT = 22,   /* any JSON object, by the capability's schema */
  IPC_END = 23,      /* how the operation ended, and what it left behind */
  IPC_PACKAGE = 24,  /* the package that the operation made is finished; before RESULT */

  /* control socket */
  IPC_REQUEST = 32,  /* a method and its parameters */
  IPC_EVENT = 33,    /* what has happened so far */
  IPC_RESPONSE = 34, /* the result, or a status and a sentence */
  IPC_DATA = 35,     /* bytes as they are, before the RESPONSE that says which */

  /* agent to channel */
  IPC_CHAN_SOCKET = 48,     /* a socket to connect, or why there is none */
  IPC_CHAN_HELLO = 49,      /* who the device is, and a nonce of its own */
  IPC_CHAN_MARK = 50,       /* signed by the device; answered by ACK */
  IPC_CHAN_RESULT = 51,     /* signed; answered by ACK */
  IPC_CHAN_REPORT = 52,     /* signed */
  IPC_CHAN_PROGRESS = 53,   /* for people */
  IPC_CHAN_ORDER_ACK = 54,  /* the order is in the journal, or refused */
  IPC_CHAN_RENEW = 55,      /* answered by CERTIFICATE, or ACK that says no */
  IPC_CHAN_DROP = 56,       /* end this connection, and come again later */
  IPC_CHAN_PING = 57,       /* is the channel alive? answered by PONG */
  IPC_CHAN_POLICY_ACK = 58, /* the policy is in the journal, or refused */
  IPC_CHAN_PACKAGE = 59,    /* a package is to go; answered by STREAM or ACK */
  IPC_CHAN_CHUNK = 60,      /* bytes: a chunk of a stream, as it goes over the network */

  /* channel to agent */
  IPC_CHAN_WANT_SOCKET = 64,  /* for this address and port */
  IPC_CHAN_SOCKET_TAKEN = 65, /* the agent may close its own end */
  IPC_CHAN_ADDRESSES = 66,    /* where a console's name leads */
  IPC_CHAN_OPEN = 67,         /* a connection to a console; op is its number */
  IPC_CHAN_WELCOME = 68,      /* what the console said to HELLO */
  IPC_CHAN_ACK = 69,          /* the console has it, or refuses it */
  IPC_CHAN_ORDER = 70,        /* an order, to be judged */
  IPC_CHAN_LOST = 71,         /* there is no connection; when it is tried again */
  IPC_CHAN_CERTIFICATE = 72,  /* a new certificate for the request of RENEW */
  IPC_CHAN_ENROLLED = 73,     /* the console's answer to the enrolment */
  IPC_CHAN_FAILED = 74,       /* the enrolment failed */
  IPC_CHAN_PONG = 75,
  IPC_CHAN_POLICY = 76, /* a policy, to be judged */
  IPC_CHAN_STREAM = 77, /* in which stream the package goes, and from where on */
  IPC_CHAN_KEPT = 78    /* so much of a stream is kept; done, or of no use */
};

#define IPC_PROTOCOL 1
#define IPC_HOST_CONTROL_FD 3
#define IPC_HOST_LIBRARY_FD 4
#define IPC_HOST_SIGHT_FD 5 /* only with the privilege `sight` */
#define IPC_HOST_PASS_FD 6  /* only with a capability that makes packages: their files */
#define IPC_CHANNEL_FD 3
/* What the channel may take of memory: its threads reserve most of it and use little. It sets this
 * limit itself; where the agent sets limits before it begins they are to be the same. */
#define IPC_CHANNEL_MEMORY_BYTES (512u * 1024u * 1024u)

#endif
