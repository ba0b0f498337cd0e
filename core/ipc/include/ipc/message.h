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

  /* control socket */
  IPC_REQUEST = 32, /* a method and its parameters */
  IPC_EVENT = 33,   /* what has happened so far */
  IPC_RESPONSE = 34 /* the result, or a status and a sentence */
};

#define IPC_PROTOCOL 1
#define IPC_HOST_CONTROL_FD 3
#define IPC_HOST_LIBRARY_FD 4

#endif
