/* base/log.h: the form of a line, what is escaped, the specification, and many threads. */
#include "base/log.h"

#include "base/limits.h"

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIME_LEN 24 /* 2026-11-24T04:08:16.123Z */

static int log_read = -1;
static int log_write = -1;

/* Datagrams keep writes apart: one read gives what one write wrote. */
static void open_log(void)
{
  int fds[2];
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
  ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
  log_read = fds[0];
  log_write = fds[1];
  cd_log_to(log_write);
}

static void close_log(void)
{
  cd_log_to(2);
  close(log_read);
  close(log_write);
}

/* The next write to the log without its time, or "" if there is none. */
static const char *next_line(void)
{
  static char line[8192];
  ssize_t n = read(log_read, line, sizeof(line) - 1);
  if (n <= 0)
    return "";
  line[n] = '\0';
  ck_assert_int_gt(n, TIME_LEN);
  ck_assert_int_eq(line[TIME_LEN - 1], 'Z');
  return line + TIME_LEN;
}

START_TEST(a_line_has_time_level_area_and_text)
{
  open_log();
  cd_log(CD_AREA_SUPERVISOR, CD_LOG_INFO, "isolate plugin=%s: started in %d ms", "p", 14);
  ck_assert_str_eq(next_line(), " info  supervisor: isolate plugin=p: started in 14 ms\n");
  cd_log(CD_AREA_CTL, CD_LOG_ERROR, "x");
  ck_assert_str_eq(next_line(), " error ctl: x\n");
  cd_log(CD_AREA_AGENT, CD_LOG_WARN, "%s", "");
  ck_assert_str_eq(next_line(), " warn  agent: \n");
  close_log();
}
END_TEST

START_TEST(text_from_others_cannot_forge_a_line)
{
  static const struct {
    const char *text, *shown;
  } rows[] = {
      {"a\nb", "a\\nb"},
      {"a\r\n2026-11-24T04:08:16.123Z info  agent: released",
       "a\\r\\n2026-11-24T04:08:16.123Z info  agent: released"},
      {"tab\there", "tab\\there"},
      {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
      {"\x7f\x01", "\\x7f\\x01"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3", "\\xc3"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"}, /* U+009B starts a control sequence too */
      {"\xc2\xa0\xe3\x81\x82\xf0\x9f\x98\x80", "\xc2\xa0\xe3\x81\x82\xf0\x9f\x98\x80"},
      {"C:\\new", "C:\\new"},
  };
  open_log();
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char want[256];
    (void)snprintf(want, sizeof(want), " info  plugin: %s\n", rows[i].shown);
    cd_log(CD_AREA_PLUGIN, CD_LOG_INFO, "%s", rows[i].text);
    const char *line = next_line();
    ck_assert_msg(strcmp(line, want) == 0, "row %zu: %s", i, line);
  }
  close_log();
}
END_TEST

/* Logs `text` and returns the message part of the line, without the newline. */
static const char *logged(const char *text)
{
  static const char prefix[] = " info  ctl: ";
  cd_log(CD_AREA_CTL, CD_LOG_INFO, "%s", text);
  const char *line = next_line();
  ck_assert_int_eq(strncmp(line, prefix, sizeof(prefix) - 1), 0);
  static char message[8192];
  (void)snprintf(message, sizeof(message), "%s", line + sizeof(prefix) - 1);
  size_t len = strlen(message);
  ck_assert_uint_gt(len, 0);
  ck_assert_int_eq(message[len - 1], '\n');
  message[len - 1] = '\0';
  return message;
}

START_TEST(a_long_line_is_cut_and_marked)
{
  static const struct {
    const char *unit;  /* repeated */
    size_t count, len; /* of the logged message */
    bool cut;
  } rows[] = {
      {"x", CD_LOG_LINE_MAX, CD_LOG_LINE_MAX, false},
      {"x", CD_LOG_LINE_MAX + 1, CD_LOG_LINE_MAX, true},
      {"x", 3 * CD_LOG_LINE_MAX, CD_LOG_LINE_MAX, true},
      {"\n", CD_LOG_LINE_MAX / 2, CD_LOG_LINE_MAX, false},
      {"\n", CD_LOG_LINE_MAX / 2 + 1, 2044 + 3, true},
      {"\x01", CD_LOG_LINE_MAX / 4, CD_LOG_LINE_MAX, false},
      {"\x01", CD_LOG_LINE_MAX, 2044 + 3, true},
      {"\xe3\x81\x82", 682, 2046, false},
      {"\xe3\x81\x82", 683, 2043 + 3, true},
      {"\xf0\x9f\x98\x80", 2000, 2044 + 3, true},
  };
  open_log();
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[4 * CD_LOG_LINE_MAX] = "";
    size_t unit = strlen(rows[i].unit);
    ck_assert_uint_lt(unit * rows[i].count, sizeof(text) + 1);
    for (size_t k = 0; k < rows[i].count && (k + 1) * unit < sizeof(text); k++)
      memcpy(text + k * unit, rows[i].unit, unit);
    const char *message = logged(text);
    bool cut = cd_str_ends(cd_str_from(message), CD_STR("..."));
    ck_assert_msg(cut == rows[i].cut, "row %zu: cut", i);
    ck_assert_msg(strlen(message) == rows[i].len, "row %zu: %zu bytes", i, strlen(message));
    ck_assert_msg(cd_str_utf8_valid(cd_str_from(message)), "row %zu: UTF-8", i);
  }
  close_log();
}
END_TEST

static void expect_levels(const char *spec, const char *want, size_t row)
{
  /* One letter per area: the lowest level that is logged. The last letter is for all that follow.
   */
  size_t letters = strlen(want);
  for (int area = 0; area < CD_AREA_COUNT; area++) {
    char expected = want[(size_t)area < letters ? (size_t)area : letters - 1];
    char lowest = '-';
    for (int level = CD_LOG_ERROR; level >= CD_LOG_DEBUG; level--)
      if (cd_log_enabled((cd_log_area)area, (cd_log_level)level))
        lowest = "diwe"[level];
    ck_assert_msg(lowest == expected, "row %zu '%s': area %s is '%c'", row, spec,
                  cd_log_area_name((cd_log_area)area), lowest);
  }
}

START_TEST(a_specification_sets_levels_from_left_to_right)
{
  static const struct {
    const char *spec, *levels;
  } rows[] = {
      {"", "iiiiiiii"},
      {"all", "dddddddd"},
      {"all=warn", "wwwwwwww"},
      {"-all", "--------"},
      {"all,-control", "ddddd-dd"},
      {"all=info,plugin=debug", "iiidiiii"},
      {"-all,agent=error", "e-------"},
      {"journal,supervisor=warn", "idwiiiii"},
      {"host=debug,all=error", "eeeeeeee"},
      {"reconcile,-reconcile,ctl=info", "iiii-iii"},
      {"", "iiiiiiii"}, /* nothing of the one before is left */
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    ck_assert_msg(cd_log_configure(cd_str_from(rows[i].spec), &err) == CD_OK, "row %zu: %s", i,
                  err.text);
    expect_levels(rows[i].spec, rows[i].levels, i);
  }
}
END_TEST

START_TEST(a_bad_specification_changes_nothing_and_says_what)
{
  static const struct {
    const char *spec, *part; /* of the sentence */
  } rows[] = {
      {"net", "no area 'net'"},
      {"all=loud", "'all=loud' must be"},
      {"all=", "'all=' must be"},
      {"-all=warn", "'-all=warn' must be"},
      {"-", "no area ''"},
      {",all", "no area ''"},
      {"all,,agent", "no area ''"},
      {"all,", "ends in a comma"},
      {"=warn", "no area ''"},
      {"All", "no area 'All'"},
      {"all=warn,agent=debug,nope", "no area 'nope'"},
      {" all", "no area ' all'"},
  };
  ck_assert_int_eq(cd_log_configure(CD_STR("all=warn,-ctl"), NULL), CD_OK);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    cd_err err = {0};
    ck_assert_msg(cd_log_configure(cd_str_from(rows[i].spec), &err) == CD_E_INVALID, "row %zu", i);
    ck_assert_msg(strstr(err.text, rows[i].part) != NULL, "row %zu: %s", i, err.text);
    expect_levels(rows[i].spec, "wwwwwww-w", i);
  }
}
END_TEST

START_TEST(what_is_switched_off_writes_nothing)
{
  open_log();
  cd_log(CD_AREA_AGENT, CD_LOG_DEBUG, "x");
  ck_assert_str_eq(next_line(), "");
  ck_assert_int_eq(cd_log_configure(CD_STR("-agent"), NULL), CD_OK);
  cd_log(CD_AREA_AGENT, CD_LOG_ERROR, "x");
  ck_assert_str_eq(next_line(), "");
  cd_log(CD_AREA_COUNT, CD_LOG_ERROR, "x");
  cd_log((cd_log_area)-1, CD_LOG_ERROR, "x");
  cd_log(CD_AREA_CTL, (cd_log_level)9, "x");
  ck_assert_str_eq(next_line(), "");
  ck_assert_str_eq(cd_log_area_name(CD_AREA_COUNT), "unknown");
  close_log();
}
END_TEST

static char heard[256];

static void hear(cd_log_area area, cd_str text)
{
  (void)snprintf(heard, sizeof(heard), "%s|%.*s", cd_log_area_name(area), CD_STR_ARG(text));
}

START_TEST(errors_are_told_to_who_listens_and_nothing_else_is)
{
  open_log();
  cd_log_errors_to(hear);
  cd_log(CD_AREA_AGENT, CD_LOG_WARN, "a warning");
  ck_assert_str_eq(heard, "");
  cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "an %s", "error\n");
  ck_assert_str_eq(heard, "control|an error\\n");
  cd_log_errors_to(NULL);
  cd_log(CD_AREA_CONTROL, CD_LOG_ERROR, "another");
  ck_assert_str_eq(heard, "control|an error\\n");
  close_log();
}
END_TEST

START_TEST(a_log_that_cannot_be_written_harms_nobody)
{
  cd_log_to(-1);
  errno = 77;
  cd_log(CD_AREA_AGENT, CD_LOG_INFO, "x");
  ck_assert_int_eq(errno, 77);
  cd_log_to(2);
}
END_TEST

#define THREADS 4
#define LINES 200

static void *log_many(void *arg)
{
  for (int i = 0; i < LINES; i++) {
    cd_log(CD_AREA_HOST, CD_LOG_INFO, "thread %d line %d %0500d", *(int *)arg, i, 0);
    /* Another thread may change the levels at any time. */
    if (i % 50 == 0 && cd_log_configure(CD_STR("all=debug"), NULL) != CD_OK)
      return arg;
  }
  return NULL;
}

START_TEST(lines_of_many_threads_do_not_mix)
{
  FILE *file = tmpfile();
  ck_assert_ptr_nonnull(file);
  ck_assert_int_eq(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
  cd_log_to(fileno(file));
  pthread_t threads[THREADS];
  int names[THREADS];
  for (int i = 0; i < THREADS; i++) {
    names[i] = i;
    ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, &names[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    void *failed = NULL;
    ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
    ck_assert_ptr_null(failed);
  }
  cd_log_to(2);

  int next[THREADS] = {0};
  char line[8192];
  rewind(file);
  while (fgets(line, sizeof(line), file) != NULL) {
    uint64_t thread = THREADS;
    uint64_t number = LINES;
    cd_str rest = cd_str_from(line + TIME_LEN);
    static const cd_str head = CD_STR_INIT(" info  host: thread ");
    ck_assert(cd_str_starts(rest, head));
    rest = (cd_str){rest.ptr + head.len, rest.len - head.len};
    ck_assert(cd_str_to_u64(cd_str_cut(&rest, ' '), THREADS - 1, &thread));
    ck_assert(cd_str_eq_cstr(cd_str_cut(&rest, ' '), "line"));
    ck_assert(cd_str_to_u64(cd_str_cut(&rest, ' '), LINES - 1, &number));
    ck_assert_uint_eq(rest.len, 501); /* 500 zeros and the newline */
    ck_assert_int_eq(number, next[thread]++);
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(next[i], LINES);
  (void)fclose(file);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      a_line_has_time_level_area_and_text,
      text_from_others_cannot_forge_a_line,
      a_long_line_is_cut_and_marked,
      a_specification_sets_levels_from_left_to_right,
      a_bad_specification_changes_nothing_and_says_what,
      what_is_switched_off_writes_nothing,
      errors_are_told_to_who_listens_and_nothing_else_is,
      a_log_that_cannot_be_written_harms_nobody,
      lines_of_many_threads_do_not_mix,
  };
  return run_suite("base.log", tests, COUNT_OF(tests));
}
