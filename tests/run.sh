#!/bin/sh
# Builds and tests everything: sh tests/run.sh [--full] [--only SECTION]...
#
# Without options it is the tier that CI runs: style, the development build with all tests, the sanitizer
# builds with theirs, and a look at the release. --full adds long fuzzing, soaks, valgrind and every
# sanitizer over everything. --only runs the named sections alone. A failing section does not hide the later ones.
# The last line is "N passed, N failed" (", N skipped" where some were), and the exit code is 0 only if
# none failed. Logs stay in .build/run.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
logs=.build/run
jobs=$(getconf _NPROCESSORS_ONLN)
fuzz_seconds=${CORDON_FUZZ_SECONDS:-600}
soak_rounds=${CORDON_SOAK_ROUNDS:-10}
full=no
only=

sections="setup style dev asan tsan release windows"
full_sections="fuzz soak sanitized-lab valgrind"

usage() {
  echo "usage: sh tests/run.sh [--full] [--only SECTION]..."
  echo "sections: $sections; with --full also: $full_sections"
  echo "CORDON_FUZZ_SECONDS (600) is the time for each fuzz target, CORDON_SOAK_ROUNDS (10) how often the lab tests"
  echo "are repeated, CORDON_SOAK_SECONDS (1800) how long the watch is watched, CORDON_SOAK_ORDERS (1000) how often"
  echo "a device is isolated and released."
}

while [ $# -gt 0 ]; do
  case $1 in
  --full) full=yes ;;
  --only)
    case " $sections $full_sections " in
    *" ${2:-} "*) only="$only $2" ;;
    *)
      usage >&2
      exit 2
      ;;
    esac
    shift
    ;;
  --help)
    usage
    exit 0
    ;;
  *)
    usage >&2
    exit 2
    ;;
  esac
  shift
done

rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
skipped=0
failures=

now() {
  date +%s
}

failure() {
  failures="$failures  $1
"
}

# check NAME COMMAND...: one check by its exit code (77: skipped); its output is shown only if it fails.
check() {
  check_name=$1
  shift
  check_log=$logs/$(printf '%s' "$check_name" | tr ' /' '__').log
  check_start=$(now)
  check_code=0
  "$@" >"$check_log" 2>&1 || check_code=$?
  case $check_code in
  0)
    passed=$((passed + 1))
    printf 'ok      %s (%s s)\n' "$check_name" $(($(now) - check_start))
    return 0
    ;;
  77)
    skipped=$((skipped + 1))
    printf 'skipped %s: this machine cannot run it; see %s\n' "$check_name" "$check_log"
    return 0
    ;;
  esac
  failed=$((failed + 1))
  failure "$check_name (whole output: $check_log)"
  printf 'FAILED  %s (%s s), the end of its output:\n' "$check_name" $(($(now) - check_start))
  tail -n 60 "$check_log" | sed 's/^/        /'
  return 1
}

# tests NAME PRESET CTEST-OPTION...: each of ctest's tests is one; its JUnit report is what is counted.
tests() {
  tests_name=$1
  tests_preset=$2
  shift 2
  tests_report=$root/$logs/$tests_name.xml
  tests_log=$logs/$tests_name.log
  tests_start=$(now)
  ctest --test-dir ".build/$tests_preset" --output-on-failure --no-tests=error \
    --output-junit "$tests_report" --parallel "$jobs" "$@" >"$tests_log" 2>&1
  tests_code=$?
  tests_ok=$(count '<testcase .*status="run"' "$tests_report")
  tests_bad=$(count '<testcase .*status="fail"' "$tests_report")
  tests_not=$(count '<testcase .*status="\(notrun\|disabled\)"' "$tests_report")
  if [ "$tests_code" -ne 0 ] && [ "$tests_bad" -eq 0 ]; then
    # ctest itself failed, or a test could not be started; neither may pass as a skip.
    tests_bad=1
  fi
  # Where CI runs, everything can run: a skip there is a hole, not a fact about the machine.
  if [ "${CI:-}" = true ] && [ "$tests_not" -gt 0 ]; then
    tests_bad=$((tests_bad + tests_not))
    echo "$tests_name: in CI nothing may be skipped"
    tests_not=0
    grep -E '\*\*\*(Skipped|Not Run)' "$tests_log" | sed 's/^/        /'
  fi
  passed=$((passed + tests_ok))
  failed=$((failed + tests_bad))
  skipped=$((skipped + tests_not))
  printf '%s: %s passed, %s failed, %s skipped (%s s)\n' \
    "$tests_name" "$tests_ok" "$tests_bad" "$tests_not" $(($(now) - tests_start))
  if [ "$tests_not" -gt 0 ]; then
    grep -E '\*\*\*(Skipped|Not Run)' "$tests_log" | sed 's/^/        /'
  fi
  if [ "$tests_bad" -gt 0 ]; then
    failure "$tests_name: $(sed -n 's/.*<testcase name="\([^"]*\)".*status="fail".*/\1/p' "$tests_report" 2>/dev/null |
      tr '\n' ' ')(whole output: $tests_log)"
    grep -v -E ' Passed +[0-9.]+ sec$|^ *Start ' "$tests_log" | tail -n 200 | sed 's/^/        /'
  fi
}

count() {
  grep -c "$1" "$2" 2>/dev/null || true
}

configure_and_build() {
  cmake --preset "$1" && cmake --build --preset "$1" --parallel "$jobs"
}

build() {
  check "build $1" configure_and_build "$1"
}

c_files() {
  find core platform plugins tests -name '*.[ch]' | sort
}

shell_files() {
  find packaging tests plugins core config .ci -name '*.sh' -o -path .ci/run | sort
}

# Only our own files, and those that this machine compiles: what compile_commands.json names.
compiled_files() {
  sed -n 's/^ *"file": "\(.*\)",*$/\1/p' .build/dev/compile_commands.json | sort -u
}

run_clang_format() {
  c_files | xargs clang-format-14 --dry-run -Werror
}

run_cppcheck() {
  mkdir -p .build/cppcheck
  cppcheck --quiet --error-exitcode=1 -j "$jobs" --cppcheck-build-dir=.build/cppcheck \
    --project=.build/dev/compile_commands.json --enable=warning,performance,portability \
    --suppressions-list=tests/cppcheck-suppressions.txt --inline-suppr
}

# One file at a time: the analyzer's va_list check carries state from file to file and then sees ghosts. It takes
# three quarters of the time: what is not shipped meets it with --full alone. Without it clang-tidy takes -Werror to be
# meant for clang, too.
run_clang_tidy() {
  cmake --build --preset dev --target generated_sources || return 1
  # shellcheck disable=SC2016 # expanded by the inner shell; standard error only counts suppressed warnings
  compiled_files | FULL=$full xargs -P "$jobs" -n 1 sh -c '
    file=$1
    case $FULL,$file in no,"$PWD"/tests/*) set -- "--checks=-clang-analyzer-*" --extra-arg=-Wno-error ;; *) set -- ;; esac
    found=$(clang-tidy-14 --quiet -p .build/dev "$@" "$file" 2>/dev/null) && exit 0
    printf "%s\n%s\n" "$file" "$found"
    exit 1' sh
}

run_shellcheck() {
  shell_files | xargs shellcheck
}

run_install() {
  sh packaging/deps/install.sh all && sh packaging/deps/mbedtls.sh
}

# The kill points of the crash tests must not be in what is shipped.
release_has_no_fault_points() {
  rm -rf .build/release-root
  DESTDIR=$root/.build/release-root cmake --install .build/release || return 1
  programs=$(find .build/release-root -type f \( -perm -u+x -o -name '*.so' \)) || return 1
  for program in cordond cordon cordon-channel cordon-plugin-host cordon-console cordon-signer; do
    printf '%s\n' "$programs" | grep -q "/$program\$" || {
      echo "the release does not install $program"
      return 1
    }
  done
  for program in $programs; do
    if grep -q CORDON_FAULT "$program"; then
      echo "$program contains the fault points of the crash tests"
      return 1
    fi
  done
}

section_setup() {
  check "packages and mbedTLS" run_install
  check "configure dev" cmake --preset dev
}

section_style() {
  check clang-format run_clang_format
  check shellcheck run_shellcheck
  check cppcheck run_cppcheck
  check clang-tidy run_clang_tidy
}

section_dev() {
  build dev && tests dev dev -LE '^soak$'
}

section_asan() {
  build asan && tests asan asan -L '^(unit|plugin|fuzz|integration)$'
}

# These start an agent or a command hundreds of times over for what is no matter of threads: under ThreadSanitizer
# with --full.
unthreaded='^(test_strikes|test_members|test_liar|test_kill_matrix|test_fleet_program)$'

section_tsan() {
  build tsan && tests tsan tsan -L '^(unit|plugin|integration)$' -E "$unthreaded"
}

# Nothing for Windows that is shipped has them either.
windows_release_has_no_fault_points() {
  sh packaging/msi/build.sh .build/windows-release .build/windows-release/cordon.msi
}

section_release() {
  build release && check "release without fault points" release_has_no_fault_points
}

# Built again elsewhere they have the same bytes; what says where they are installed is another matter.
windows_libraries_are_the_same_again() {
  again=$(mktemp -d) || return 1
  CORDON_CACHE=$again sh packaging/deps/windows.sh &&
    diff -r -x '*.cmake' -x '*.pc' "${CORDON_CACHE:-$HOME/.cache/cordon}/deps/windows-x86_64" "$again/deps/windows-x86_64"
  again_code=$?
  rm -rf "$again"
  return $again_code
}

# The programs for Windows, under Wine.
section_windows() {
  check "libraries for windows" sh packaging/deps/windows.sh || return
  [ "$full" = no ] || check "libraries for windows, built again" windows_libraries_are_the_same_again
  build windows && tests windows windows -LE '^soak$'
  build windows-release && check "installer without fault points" windows_release_has_no_fault_points
}

# Fuzzes each target for its time, from the seeds and what earlier runs found.
section_fuzz() {
  build fuzz || return
  for seeds in tests/fuzz/seeds/*/; do
    target=$(basename "$seeds")
    corpus=.build/fuzz-corpus/$target
    mkdir -p "$corpus"
    check "fuzz $target" ".build/fuzz/tests/fuzz/$target" -max_total_time="$fuzz_seconds" -rss_limit_mb=2048 \
      -timeout=10 -print_final_stats=1 -artifact_prefix="$logs/$target-" "$corpus" "$seeds"
  done
}

section_soak() {
  build dev || return
  tests soak-lab dev -L '^lab$' --repeat "until-fail:$soak_rounds"
  tests soak dev -L '^soak$'
}

section_sanitized_lab() {
  build asan && tests asan-lab asan -L '^lab$'
  build tsan || return
  tests tsan-lab tsan -L '^(lab|fuzz)$'
  tests tsan-rest tsan -R "$unthreaded"
}

section_valgrind() {
  build dev && check "valgrind over 200 actions" sh tests/integration/valgrind.sh
}

section() {
  if [ -n "$only" ]; then
    case " $only " in
    *" $1 "*) ;;
    *) return ;;
    esac
  fi
  section_start=$(now)
  printf '\n== %s ==\n' "$1"
  "section_$(printf '%s' "$1" | tr - _)"
  timings="$timings$(printf '%6s s  %s' $(($(now) - section_start)) "$1")
"
}

timings=
if [ "$full" = yes ]; then
  sections="$sections $full_sections"
elif [ -n "$only" ]; then
  sections="$sections $full_sections"
fi
for name in $sections; do
  section "$name"
done

printf '\n== summary ==\n%s' "$timings"
if [ -n "$failures" ]; then
  printf 'failed:\n%s' "$failures"
fi
if [ "$skipped" -gt 0 ]; then
  printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
else
  printf '%s passed, %s failed\n' "$passed" "$failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
