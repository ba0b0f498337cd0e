#!/bin/sh
# Puts an Authenticode signature into programs, libraries and installers:
#   sh sign.sh --certs FILE --key FILE [--password-file FILE] [--timestamp URL] FILE...
# Certificates and key are PEM. The password of a key is read from a file: it never stands in a command line. Without a timestamp a
# signature ends with its certificate, which is good for tests only. One that is there already is replaced.
set -eu

certs=
key=
password=
stamp=

fail() {
  echo "sign: $*" >&2
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
  --certs | --key | --password-file | --timestamp)
    [ $# -gt 1 ] || fail "$1 needs a value"
    case $1 in
    --certs) certs=$2 ;;
    --key) key=$2 ;;
    --password-file) password=$2 ;;
    --timestamp) stamp=$2 ;;
    esac
    shift 2
    ;;
  -*) fail "there is no option $1" ;;
  *) break ;;
  esac
done
if [ -z "$certs" ] || [ -z "$key" ] || [ $# -eq 0 ]; then
  fail "usage: sh sign.sh --certs FILE --key FILE [--password-file FILE] [--timestamp URL] FILE..."
fi
command -v osslsigncode >/dev/null || fail "osslsigncode is missing: run 'sh packaging/deps/install.sh test' first"

for file in "$@"; do
  signed=$file.signed
  rm -f "$signed"
  osslsigncode sign -h sha256 -certs "$certs" -key "$key" ${password:+-readpass "$password"} ${stamp:+-ts "$stamp"} \
    -n Cordon -in "$file" -out "$signed" >/dev/null || fail "$file could not be signed"
  mv "$signed" "$file"
done
