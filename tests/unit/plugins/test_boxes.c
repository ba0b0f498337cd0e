/* Merging of overlapping boxes: the result is disjoint, and covers exactly what was covered. */
#include "boxes.h"

#include "suite.h"

static iso_box box(uint8_t first, uint8_t last, uint16_t port_first, uint16_t port_last)
{
  return (iso_box){.range = {.first = {4, {10, 0, 0, first}}, .last = {4, {10, 0, 0, last}}},
                   .port_first = port_first,
                   .port_last = port_last};
}

static const struct row {
  iso_box in[6];
  size_t in_count;
  iso_box out[8];
  size_t out_count;
} rows[] = {
#define B(a, b, p, q)                                                                              \
  {                                                                                                \
    .range = {.first = {4, {10, 0, 0, (a)}}, .last = {4, {10, 0, 0, (b)}}}, .port_first = (p),     \
    .port_last = (q)                                                                               \
  }
    {{B(1, 1, 80, 80)}, 1, {B(1, 1, 80, 80)}, 1},
    {{B(1, 1, 80, 80), B(1, 1, 80, 80)}, 2, {B(1, 1, 80, 80)}, 1},
    {{B(1, 1, 80, 89), B(1, 1, 90, 99)}, 2, {B(1, 1, 80, 99)}, 1},
    {{B(1, 1, 80, 95), B(1, 1, 90, 99)}, 2, {B(1, 1, 80, 99)}, 1},
    {{B(1, 1, 90, 91), B(1, 1, 80, 81)}, 2, {B(1, 1, 80, 81), B(1, 1, 90, 91)}, 2},
    {{B(1, 9, 80, 80), B(10, 19, 80, 80)}, 2, {B(1, 19, 80, 80)}, 1},
    {{B(1, 9, 80, 80), B(11, 19, 80, 80)}, 2, {B(1, 9, 80, 80), B(11, 19, 80, 80)}, 2},
    {{B(1, 9, 80, 80), B(3, 5, 80, 80)}, 2, {B(1, 9, 80, 80)}, 1},
    {{B(1, 9, 80, 80), B(3, 5, 443, 443)},
     2,
     {B(1, 2, 80, 80), B(3, 5, 80, 80), B(3, 5, 443, 443), B(6, 9, 80, 80)},
     4},
    {{B(1, 5, 1, 100), B(3, 9, 50, 200)},
     2,
     {B(1, 2, 1, 100), B(3, 5, 1, 200), B(6, 9, 50, 200)},
     3},
    {{B(0, 255, 0, 65535), B(7, 7, 1, 1)}, 2, {B(0, 255, 0, 65535)}, 1},
};

START_TEST(merges_by_the_table)
{
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    iso_boxes b = {0};
    for (size_t n = 0; n < rows[i].in_count; n++)
      ck_assert(iso_boxes_add(&b, &rows[i].in[n]));
    ck_assert_int_eq(iso_boxes_merge(&b, 100, NULL), CORDON_OK);
    ck_assert_msg(b.count == rows[i].out_count, "row %zu has %zu boxes", i, b.count);
    for (size_t n = 0; n < b.count; n++) {
      const iso_box *want = &rows[i].out[n];
      ck_assert_msg(iso_addr_compare(&b.items[n].range.first, &want->range.first) == 0 &&
                        iso_addr_compare(&b.items[n].range.last, &want->range.last) == 0 &&
                        b.items[n].port_first == want->port_first &&
                        b.items[n].port_last == want->port_last,
                    "row %zu, box %zu", i, n);
    }
    iso_boxes_release(&b);
  }
}
END_TEST

static bool covers(const iso_box *boxes, size_t count, uint8_t address, uint16_t port,
                   int *ret_times)
{
  iso_addr a = {4, {10, 0, 0, address}};
  int times = 0;
  for (size_t i = 0; i < count; i++)
    times += iso_range_has(&boxes[i].range, &a) && port >= boxes[i].port_first &&
             port <= boxes[i].port_last;
  if (ret_times != NULL)
    *ret_times = times;
  return times > 0;
}

START_TEST(covers_exactly_what_was_covered_each_point_once)
{
  /* A small generator with a fixed start: the same boxes in every run. */
  uint32_t state = 12345;
  for (int round = 0; round < 200; round++) {
    iso_box in[12];
    iso_boxes b = {0};
    for (size_t n = 0; n < COUNT_OF(in); n++) {
      uint8_t v[4];
      for (int k = 0; k < 4; k++) {
        state = state * 1103515245u + 12345u;
        v[k] = (uint8_t)((state >> 16) % 16);
      }
      in[n] = box(v[0] < v[1] ? v[0] : v[1], v[0] < v[1] ? v[1] : v[0], v[2] < v[3] ? v[2] : v[3],
                  v[2] < v[3] ? v[3] : v[2]);
      ck_assert(iso_boxes_add(&b, &in[n]));
    }
    ck_assert_int_eq(iso_boxes_merge(&b, 1000, NULL), CORDON_OK);
    for (uint8_t address = 0; address < 17; address++) {
      for (uint16_t port = 0; port < 17; port++) {
        int times = 0;
        bool now = covers(b.items, b.count, address, port, &times);
        ck_assert(now == covers(in, COUNT_OF(in), address, port, NULL));
        ck_assert_int_le(times, 1);
      }
    }
    iso_boxes_release(&b);
  }
}
END_TEST

START_TEST(reaches_the_ends_of_both_families)
{
  iso_box low = {.range = {.first = {4, {0}}, .last = {4, {127, 255, 255, 255}}}, .port_last = 0};
  iso_box high = {.range = {.first = {4, {128}}, .last = {4, {255, 255, 255, 255}}},
                  .port_last = 0};
  iso_boxes b = {0};
  ck_assert(iso_boxes_add(&b, &high) && iso_boxes_add(&b, &low));
  ck_assert_int_eq(iso_boxes_merge(&b, 10, NULL), CORDON_OK);
  ck_assert_uint_eq(b.count, 1);
  iso_addr last = b.items[0].range.last;
  ck_assert(!iso_addr_next(&last));
  iso_boxes_release(&b);
}
END_TEST

START_TEST(refuses_to_become_too_many)
{
  iso_boxes b = {0};
  for (uint8_t i = 0; i < 20; i++) {
    iso_box nested = box(i, (uint8_t)(99 - i), (uint16_t)(i * 10), (uint16_t)(i * 10 + 1));
    ck_assert(iso_boxes_add(&b, &nested));
  }
  sup_err err = {0};
  ck_assert_int_eq(iso_boxes_merge(&b, 100, &err), CORDON_E_LIMIT);
  ck_assert_uint_eq(b.count, 20);
  ck_assert_int_eq(iso_boxes_merge(&b, 1000, &err), CORDON_OK);
  iso_boxes_release(&b);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      merges_by_the_table,
      covers_exactly_what_was_covered_each_point_once,
      reaches_the_ends_of_both_families,
      refuses_to_become_too_many,
  };
  return run_suite("plugins.nftables.boxes", tests, COUNT_OF(tests));
}
