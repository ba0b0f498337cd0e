/* A library with one data symbol, as a plugin has. */
__attribute__((visibility("default"))) extern const int test_library_answer;
const int test_library_answer = 42;
