/* A library that needs what nobody has: loading it must fail at once, and say so. */
extern int test_library_that_nobody_defines(void);
__attribute__((visibility("default"))) int test_broken_call(void);

int test_broken_call(void)
{
  return test_library_that_nobody_defines();
}
