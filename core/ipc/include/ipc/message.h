/* What travels in frames. Payloads are JSON objects unless said otherwise; docs/ipc.md has every member.
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
 * `cordon local` and agent (the control socket): one REQUEST, any number of EVENTs, one RESPONSE. */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

enum {
  /* agent to host */
  IPC_SETUP = 1,      /* {"protocol":1,"plugin":ID,"capability":"isolate","config":{...},"state_dir":PATH,"version":TEXT,
                          "confine":{"user":NAME|null,"privileges":[...],"memory_mb":N,"cpu_s":N,"processes":N,"files":N},"parent":PID} */
  IPC_START = 2,      /* {"function":"apply","flags":N,"budget_ms":N,"params":{...},"undo":[...]|null} */
  IPC_CANCEL = 3,     /* {} */
  IPC_UNDO_DONE = 4,  /* {"status":"ok"} or another status name: the record is on disk, or it is not */
  IPC_CREDIT = 5,     /* {"records":N}: so many more RECORDs may be sent for this op */
  IPC_QUIT = 6,       /* {} */

  /* host to agent */
  IPC_HELLO = 16,     /* {"protocol":1,"plugin":ID,"version":TEXT,"abi_minor":N,"concurrency":N,"functions":[...],"confined":{...}} */
  IPC_REFUSED = 17,   /* {"status":NAME,"os_error":N,"sentence":TEXT} */
  IPC_LOG = 18,       /* {"level":0..3,"line":TEXT} */
  IPC_PROGRESS = 19,  /* {"done":N,"total":N,"what":TEXT} */
  IPC_RECORD = 20,    /* any JSON object, as the plugin emitted it */
  IPC_UNDO = 21,      /* any JSON object, as the plugin noted it; answered by UNDO_DONE */
  IPC_RESULT = 22,    /* any JSON object, by the capability's schema */
  IPC_END = 23,       /* {"status":NAME,"os_error":N,"sentence":TEXT,"threads_left":N,"files_left":N} */

  /* control socket */
  IPC_REQUEST = 32,   /* {"method":NAME,"params":{...}} */
  IPC_EVENT = 33,     /* {"event":NAME,...} */
  IPC_RESPONSE = 34   /* {"ok":true,"result":{...}} or {"ok":false,"error":{"status":NAME,"sentence":TEXT}} */
};

#define IPC_PROTOCOL 1
#define IPC_HOST_CONTROL_FD 3
#define IPC_HOST_LIBRARY_FD 4

#endif
