#!/bin/sh
# Usage: abi_header.sh INCLUDE-FOLDER COMPILER. Compiles cordon/plugin.h alone as a vendor would: as C99, C11
# and C++11, with every warning an error, with the compiler at hand and with clang where it is installed.
set -eu

include=$1
compiler=$2
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror"

compile() {
  echo "$*"
  # shellcheck disable=SC2086 # several warnings
  printf '#include <cordon/plugin.h>\nextern int not_empty;\n' | "$@" $warnings -I "$include" -fsyntax-only -
}

compile "$compiler" -x c -std=c99
compile "$compiler" -x c -std=c11
compile c++ -x c++ -std=c++11
compile c++ -x c++ -std=c++20
if command -v clang-14 >/dev/null; then
  compile clang-14 -x c -std=c99
  compile clang-14 -x c++ -std=c++11
fi
