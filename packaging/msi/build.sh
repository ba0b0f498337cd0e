#!/bin/sh
# Builds the installer for Windows of a build of the preset `windows-release`:
#   sh build.sh [--with-kill-points] [--version X.Y.Z] [--sign-certs FILE --sign-key FILE [--sign-password-file FILE] [--timestamp URL]] BUILD OUT.msi
# A build with the kill points of the tests, as the preset `windows` has them, is refused but where they are asked for.
# The version is the project's unless it is said. With a certificate what is in it and the installer itself are signed.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=$(sed -n 's/^project(cordon VERSION \([0-9.]*\).*/\1/p' "$here/../../CMakeLists.txt")
kill_points=no
certs=
key=
password=
stamp=
work=

fail() {
  echo "msi: $*" >&2
  exit 1
}

clean_up() {
  if [ -n "$work" ]; then
    rm -rf "$work"
  fi
}

while [ $# -gt 0 ]; do
  case $1 in
  --version | --sign-certs | --sign-key | --sign-password-file | --timestamp)
    [ $# -gt 1 ] || fail "$1 needs a value"
    case $1 in
    --version) version=$2 ;;
    --sign-certs) certs=$2 ;;
    --sign-key) key=$2 ;;
    --sign-password-file) password=$2 ;;
    --timestamp) stamp=$2 ;;
    esac
    shift 2
    ;;
  --with-kill-points)
    kill_points=yes
    shift
    ;;
  -*) fail "there is no option $1" ;;
  *) break ;;
  esac
done
[ $# -eq 2 ] || fail "usage: sh build.sh [OPTION...] BUILD OUT.msi"
build=$1
out=$2
for tool in wixl msibuild cmake x86_64-w64-mingw32-strip; do
  command -v "$tool" >/dev/null || fail "$tool is missing: run 'sh packaging/deps/install.sh build' and 'test' first"
done

sign() {
  [ -z "$certs" ] || sh "$here/sign.sh" --certs "$certs" --key "$key" ${password:+--password-file "$password"} ${stamp:+--timestamp "$stamp"} "$@"
}

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM HUP
stage=$work/stage
cmake -DBUILD="$build" -DSTAGE="$stage" -P "$here/stage.cmake"
for file in "$stage"/*.exe "$stage"/plugins/*.dll; do
  [ -f "$file" ] || continue
  [ $kill_points = yes ] || ! grep -q CORDON_FAULT "$file" ||
    fail "${file##*/} has the kill points of the tests: build the preset windows-release, or say --with-kill-points"
  # A build with symbols has them stripped; the release has none.
  x86_64-w64-mingw32-strip --strip-all "$file"
  sign "$file"
done
cmake -DSTAGE="$stage" -DVERSION="$version" -DOUT="$work/cordon.wxs" -P "$here/product.cmake"
find "$stage" -exec touch -d "@${SOURCE_DATE_EPOCH:-315619200}" {} +
(cd "$work" && wixl -a x64 -o cordon.msi cordon.wxs)

# query SQL...: what wixl does not know, or does in another way.
query() {
  msibuild "$work/cordon.msi" -q "$@" || fail "the tables of the installer could not be changed"
}

# The command is found by its name in shells that are opened afterwards.
query "CREATE TABLE \`Environment\` (\`Environment\` CHAR(72) NOT NULL, \`Name\` CHAR(255) NOT NULL LOCALIZABLE, \`Value\` CHAR(255) LOCALIZABLE, \`Component_\` CHAR(72) NOT NULL PRIMARY KEY \`Environment\`)"
query "INSERT INTO \`Environment\` (\`Environment\`, \`Name\`, \`Value\`, \`Component_\`) VALUES ('Path', '=-*PATH', '[~];[InstallFolder]', 'c_key')"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('RemoveEnvironmentStrings', 3300)"
query "INSERT INTO \`InstallExecuteSequence\` (\`Action\`, \`Sequence\`) VALUES ('WriteEnvironmentStrings', 5200)"
# Within what can be undone: when the new version cannot be installed, the old one is there again.
query "UPDATE \`InstallExecuteSequence\` SET \`Sequence\` = 1501 WHERE \`Action\` = 'RemoveExistingProducts'"
# Properties that whoever starts the installation may set and that reach the part of it that runs as the system. Only paths and
# addresses: what they lead to is never a value, so that it stands in no log.
query "UPDATE \`Property\` SET \`Value\` = 'CONSOLE_URL;TOKEN_FILE;TAGS;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE \`Property\` = 'SecureCustomProperties'"
# wixl takes what is to be done when an installation is undone for something to be done at once: a program of the installation (18), whose
# end does not matter (64), in the script (1024) of the rollback (256), as the system (2048).
if [ -e "$stage/cordond.exe" ]; then
  for action in InstallAgentUndo UpgradeAgentUndo RepairAgentUndo StopAgentUndo; do
    query "UPDATE \`CustomAction\` SET \`Type\` = 3410 WHERE \`Action\` = '$action'"
  done
fi
sign "$work/cordon.msi"
mv "$work/cordon.msi" "$out"
echo "$out"
