/* The protocols that lab-probe speaks, each a question and a test of the answer. */
#include "probe.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

static const char echo_text[] = "cordon-lab probe\n";

static size_t question_echo(uint16_t id, sa_family_t family, unsigned char *out)
{
  memcpy(out, echo_text, sizeof echo_text - 1);
  return sizeof echo_text - 1;
}

static bool answers_echo(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len)
{
  return len >= sizeof echo_text - 1 && memcmp(bytes, echo_text, sizeof echo_text - 1) == 0;
}

static size_t question_http(uint16_t id, sa_family_t family, unsigned char *out)
{
  static const char text[] = "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n";
  memcpy(out, text, sizeof text - 1);
  return sizeof text - 1;
}

static bool answers_http(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len)
{
  static const char text[] = "HTTP/1.1 200 ";
  return len >= sizeof text - 1 && memcmp(bytes, text, sizeof text - 1) == 0;
}

/* One question of class IN for probe.lab.test, type A. */
static size_t question_dns(uint16_t id, sa_family_t family, unsigned char *out)
{
  static const unsigned char rest[] = "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                      "\x05probe\x03lab\x04test\x00\x00\x01\x00\x01";
  out[0] = (unsigned char)(id >> 8);
  out[1] = (unsigned char)id;
  memcpy(out + 2, rest, sizeof rest - 1);
  return 2 + sizeof rest - 1;
}

/* The same id, marked as an answer, no error, at least one record. */
static bool answers_dns(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len)
{
  return len >= 12 && bytes[0] == id >> 8 && bytes[1] == (id & 0xff) && (bytes[2] & 0x80) &&
         (bytes[3] & 0x0f) == 0 && (bytes[6] || bytes[7]);
}

static size_t question_dnstcp(uint16_t id, sa_family_t family, unsigned char *out)
{
  size_t len = question_dns(id, family, out + 2);
  out[0] = 0;
  out[1] = (unsigned char)len;
  return len + 2;
}

static bool answers_dnstcp(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len)
{
  return len > 2 && answers_dns(id, family, bytes + 2, len - 2);
}

static uint16_t internet_checksum(const unsigned char *bytes, size_t len)
{
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < len; i += 2)
    sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* Type, code, checksum, id, sequence 1 and a payload of 8 bytes; the kernel fills in the checksum
 * of ICMPv6 only. */
static size_t question_icmp(uint16_t id, sa_family_t family, unsigned char *out)
{
  memset(out, 0, 16);
  out[0] = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  out[4] = (unsigned char)(id >> 8);
  out[5] = (unsigned char)id;
  out[7] = 1;
  memcpy(out + 8, "cordon00", 8);
  if (family == AF_INET) {
    uint16_t sum = internet_checksum(out, 16);
    out[2] = (unsigned char)(sum >> 8);
    out[3] = (unsigned char)sum;
  }
  return 16;
}

/* A raw IPv4 socket gives the IP header too. Other processes' replies come here as well: the id
 * tells. */
static bool answers_icmp(uint16_t id, sa_family_t family, const unsigned char *bytes, size_t len)
{
  if (family == AF_INET) {
    size_t header = len ? (size_t)(bytes[0] & 0x0f) * 4 : 0;
    if (header < sizeof(struct iphdr) || len < header)
      return false;
    bytes += header;
    len -= header;
  }
  return len >= 8 && bytes[0] == (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
         bytes[4] == id >> 8 && bytes[5] == (id & 0xff);
}

static const probe_kind kinds[] = {
    {"tcp", SOCK_STREAM, question_echo, answers_echo},
    {"udp", SOCK_DGRAM, question_echo, answers_echo},
    {"icmp", SOCK_RAW, question_icmp, answers_icmp},
    {"dns", SOCK_DGRAM, question_dns, answers_dns},
    {"dnstcp", SOCK_STREAM, question_dnstcp, answers_dnstcp},
    {"http", SOCK_STREAM, question_http, answers_http},
};

const probe_kind *probe_kind_find(const char *name)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}

const char *probe_outcome_name(probe_outcome outcome)
{
  static const char *const names[] = {"pending", "reached",     "connected", "refused", "reset",
                                      "denied",  "unreachable", "timeout",   "failed"};
  return names[outcome];
}

probe_outcome probe_outcome_of(int os_error)
{
  switch (os_error) {
  case ECONNREFUSED: return PROBE_REFUSED;
  case ECONNRESET:
  case ECONNABORTED:
  case EPIPE: return PROBE_RESET;
  case EPERM:
  case EACCES: return PROBE_DENIED;
  case EHOSTUNREACH:
  case ENETUNREACH: return PROBE_UNREACHABLE;
  case ETIMEDOUT: return PROBE_TIMEOUT;
  default: return PROBE_FAILED;
  }
}

bool probe_number(const char *text, uint32_t max, uint32_t *ret_value)
{
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 0);
  if (errno || end == text || *end || *text == '-' || value > max)
    return false;
  *ret_value = (uint32_t)value;
  return true;
}
