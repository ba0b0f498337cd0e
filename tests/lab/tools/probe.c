/* The command line of lab-probe. */
#include "probe.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: lab-probe tcp|udp|icmp|dns|dnstcp|http HOST PORT [--mark N] [--timeout MS] "
    "[--from-port N]\n"
    "       lab-probe batch [--timeout MS]     probes from standard input, all at once\n"
    "       lab-probe follow HOST PORT [--mark N]     an endless download, its total at each "
    "piece\n"
    "Exit code: 0 reached, 1 not reached, 2 usage.\n";

typedef struct options {
  uint32_t mark;
  uint32_t timeout_ms;
  uint32_t from_port;
} options;

static bool read_options(int argc, char **argv, int first, options *o)
{
  const struct {
    const char *name;
    uint32_t max;
    uint32_t *value;
  } known[] = {{"--mark", UINT32_MAX, &o->mark},
               {"--timeout", 600000, &o->timeout_ms},
               {"--from-port", 65535, &o->from_port}};
  for (int i = first; i < argc; i += 2) {
    bool good = false;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
      if (strcmp(argv[i], known[k].name) == 0 && i + 1 < argc)
        good = probe_number(argv[i + 1], known[k].max, known[k].value);
    if (!good)
      return false;
  }
  return true;
}

static int probe_once(char **argv, const options *o)
{
  probe p = {
      .timeout_ms = (int)o->timeout_ms, .mark = o->mark, .from_port = (uint16_t)o->from_port};
  if (!probe_aim(&p, argv[1], argv[2], argv[3]))
    return 2;
  probe_run(&p, 1);
  printf("%s %s %s: %s%s%s after %.1f ms\n", argv[1], argv[2], argv[3],
         probe_outcome_name(p.outcome), p.os_error ? ", " : "",
         p.os_error ? strerrorname_np(p.os_error) : "", p.took_ms);
  return p.outcome == PROBE_REACHED ? 0 : 1;
}

int main(int argc, char **argv)
{
  options o = {.timeout_ms = 1000};
  if (argc >= 2 && strcmp(argv[1], "batch") == 0 && read_options(argc, argv, 2, &o))
    return probe_batch((int)o.timeout_ms);
  if (argc >= 4 && strcmp(argv[1], "follow") == 0 && read_options(argc, argv, 4, &o))
    return probe_follow(argv[2], argv[3], o.mark);
  if (argc >= 4 && probe_kind_find(argv[1]) && read_options(argc, argv, 4, &o))
    return probe_once(argv, &o);
  fputs(usage, stderr);
  return 2;
}
