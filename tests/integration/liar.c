/* Stands in for cordon-plugin-host and says what no honest host would say. Which lie is in the file
 * FOLDER/lie beside the program; the rest is as in docs/ipc.md. */
#include "base/buf.h"
#include "base/limits.h"
#include "ipc/frame.h"
#include "ipc/message.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINK 3

static char lie[64];

static bool lies(const char *which)
{
  return strcmp(lie, which) == 0;
}

static void put(const void *bytes, size_t len)
{
  const char *at = bytes;
  while (len > 0) {
    ssize_t n = write(LINK, at, len);
    if (n <= 0)
      _exit(3);
    at += n;
    len -= (size_t)n;
  }
}

static void say(uint8_t type, uint64_t op, const char *payload)
{
  uint8_t header[IPC_FRAME_HEADER];
  ipc_frame_header(header, type, op, (uint32_t)strlen(payload));
  put(header, sizeof(header));
  put(payload, strlen(payload));
}

/* In one piece, so that the agent does nothing between the two. */
static void say_twice(uint8_t type, uint64_t op, const char *payload)
{
  unsigned char both[1024];
  size_t len = strlen(payload);
  size_t at = 0;
  for (int i = 0; i < 2; i++) {
    ipc_frame_header(both + at, type, op, (uint32_t)len);
    memcpy(both + at + IPC_FRAME_HEADER, payload, len);
    at += IPC_FRAME_HEADER + len;
  }
  put(both, at);
}

static void linger(void)
{
  for (;;)
    (void)pause();
}

static void greet(const char *plugin)
{
  char hello[512];
  if (lies("silent"))
    linger();
  (void)snprintf(hello, sizeof(hello),
                 "{\"protocol\":%d,\"plugin\":\"%s\",\"version\":\"1.0.0\",\"abi_minor\":0,"
                 "\"concurrency\":%s,\"functions\":[\"probe\",\"apply\",\"release\",\"query\","
                 "\"verify\",\"%s\"],\"confined\":{}}",
                 lies("protocol") ? 2 : 1, lies("other_id") ? "org.cordon.test.else" : plugin,
                 lies("no_concurrency") ? "0" : "1", lies("functions") ? "fly" : "watch");
  say(IPC_HELLO, 0, lies("hello_array") ? "[]" : hello);
  if (lies("hello_twice"))
    say(IPC_HELLO, 0, hello);
}

static const char *function_of(cd_str start)
{
  static const char *const names[] = {"probe", "apply", "release", "query", "verify", "watch"};
  char pattern[64];
  char text[256];
  (void)snprintf(text, sizeof(text), "%.*s", start.len < 200 ? (int)start.len : 200, start.ptr);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    (void)snprintf(pattern, sizeof(pattern), "\"function\":\"%s\"", names[i]);
    if (strstr(text, pattern) != NULL)
      return names[i];
  }
  return "";
}

enum { DRY_RUN = 1 }; /* CORDON_REQ_DRY_RUN of the ABI, which this program does not know */

/* It lies about what counts. */
static bool is_dry_run(cd_str start)
{
  char text[256];
  (void)snprintf(text, sizeof(text), "%.*s", start.len < 200 ? (int)start.len : 200, start.ptr);
  const char *flags = strstr(text, "\"flags\":");
  return flags != NULL && (strtoul(flags + strlen("\"flags\":"), NULL, 10) & DRY_RUN) != 0;
}

/* Many at a time: who reads them is not to wait for who writes them. */
static void flood(uint64_t op)
{
  static const char payload[] = "{\"done\":1,\"total\":2,\"what\":null}";
  enum { AT_ONCE = 500, SIZE = IPC_FRAME_HEADER + sizeof(payload) - 1 };
  static uint8_t frames[AT_ONCE * SIZE];
  for (size_t i = 0; i < AT_ONCE; i++) {
    ipc_frame_header(frames + i * SIZE, IPC_PROGRESS, op, sizeof(payload) - 1);
    memcpy(frames + i * SIZE + IPC_FRAME_HEADER, payload, sizeof(payload) - 1);
  }
  for (;;)
    put(frames, sizeof(frames));
}

static void huge(uint64_t op)
{
  uint8_t header[IPC_FRAME_HEADER];
  ipc_frame_header(header, IPC_RESULT, op, 0x7fffffff);
  put(header, sizeof(header));
}

static void undo_flood(uint64_t op)
{
  char record[32];
  for (int i = 0; i < 1100; i++) {
    (void)snprintf(record, sizeof(record), "{\"n\":%d}", i);
    say(IPC_UNDO, op, record);
  }
}

/* Each in apply; false: nothing more is said. */
static bool lie_in_apply(uint64_t op)
{
  if (lies("unknown_op"))
    say(IPC_END, op + 1000, "{}");
  if (lies("wrong_type"))
    say(IPC_START, op, "{}");
  if (lies("unknown_type"))
    say(200, op, "{}");
  if (lies("result_array"))
    say(IPC_RESULT, op, "[1]");
  if (lies("record_text"))
    say(IPC_RECORD, op, "no JSON at all");
  if (lies("record_early"))
    say(IPC_RECORD, op, "{}");
  if (lies("undo_bad"))
    say(IPC_UNDO, op, "[]");
  if (lies("undo_flood"))
    undo_flood(op);
  if (lies("garbage"))
    put("this is no frame, but long enough for a header", 46);
  if (lies("huge"))
    huge(op);
  if (lies("flood"))
    flood(op);
  if (lies("bad_status"))
    say(IPC_END, op,
        "{\"status\":\"splendid\",\"os_error\":0,\"sentence\":\"\",\"threads_left\":0,"
        "\"files_left\":0}");
  if (lies("end_twice"))
    say_twice(IPC_END, op,
              "{\"status\":\"unavailable\",\"os_error\":0,\"sentence\":\"\",\"threads_left\":0,"
              "\"files_left\":0}");
  if (lies("closes_link")) {
    (void)close(LINK);
    linger();
  }
  return !lies("unknown_op") && !lies("no_end");
}

static void run(const ipc_frame *frame)
{
  const char *function = function_of(frame->payload);
  if (strcmp(function, "watch") == 0)
    return;
  bool dry = is_dry_run(frame->payload);
  if (strcmp(function, "apply") == 0 && !dry && !lie_in_apply(frame->op))
    return;
  if (dry)
    say(IPC_RESULT, frame->op, "{\"dry_run\":true,\"rules\":\"\"}");
  else if (!lies("no_result"))
    say(IPC_RESULT, frame->op,
        strcmp(function, "apply") == 0 || strcmp(function, "query") == 0
            ? "{\"state\":\"isolated\",\"digest\":\"x\",\"holds\":true}"
            : "{\"state\":\"released\",\"holds\":true}");
  say(IPC_END, frame->op,
      "{\"status\":\"ok\",\"os_error\":0,\"sentence\":\"\",\"threads_left\":0,\"files_left\":0}");
}

static void take(const ipc_frame *frame, const char *plugin)
{
  switch (frame->type) {
  case IPC_SETUP: greet(plugin); break;
  case IPC_START: run(frame); break;
  case IPC_QUIT:
    if (lies("no_quit"))
      linger();
    _exit(0);
  default: break;
  }
}

int main(int argc, char **argv)
{
  static char bytes[65536];
  char path[4096];
  cd_err err = {0};
  ipc_decoder decoder;
  ipc_frame frame;
  (void)snprintf(path, sizeof(path), "%.4000s.lie", argv[0]);
  FILE *file = fopen(path, "re");
  if (file == NULL || argc < 2 || fgets(lie, sizeof(lie), file) == NULL)
    return 2;
  (void)fclose(file);
  (void)signal(SIGPIPE, SIG_IGN);
  ipc_decoder_init(&decoder, CD_FRAME_PAYLOAD_MAX);
  for (;;) {
    ssize_t n = read(LINK, bytes, sizeof(bytes));
    if (n <= 0 || ipc_decoder_feed(&decoder, bytes, (size_t)n, &err) != CD_OK)
      return 3;
    while (ipc_decoder_next(&decoder, &frame, &err) == CD_OK)
      take(&frame, argv[1]);
  }
}
