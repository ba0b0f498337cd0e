#!/bin/sh
# The installer, under Wine: sh msi.sh PREFIX SOURCE-DIR BUILD
# What is in it; signatures by a certificate that is made here; install, upgrade, repair, uninstall, and that nothing is left.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
prefix=$1
source=$2
build=$3
[ "$(id -u)" -eq 0 ] || exit 77
for tool in wixl msibuild msiinfo osslsigncode openssl; do
  command -v "$tool" >/dev/null || exit 77
done
fail() {
  echo "windows_msi: $*"
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
wine_run() {
  sh "$here/wine.sh" "$prefix" run "$@" </dev/null
}
drive=$prefix/drive_c
programs="$drive/Program Files/Cordon"

# ---- built, signed ----
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/sign.key" -out "$work/sign.pem" -days 2 -subj '/CN=Cordon tests' \
  -addext extendedKeyUsage=codeSigning 2>/dev/null
build_msi() {
  sh "$source/packaging/msi/build.sh" --with-kill-points --sign-certs "$work/sign.pem" --sign-key "$work/sign.key" --version "$1" "$build" "$work/$1.msi" >"$work/build.log" 2>&1 || {
    cat "$work/build.log"
    fail "the installer of $1 could not be built"
  }
}
build_msi 1.2.3
build_msi 1.3.0
size=$(wc -c <"$work/1.3.0.msi")
echo "windows_msi: the installer is $size bytes"
[ "$size" -le 6291456 ] || fail "the installer is larger than 6 MiB"

verify() {
  osslsigncode verify -CAfile "$work/sign.pem" -in "$1" >"$work/verify.log" 2>&1 || {
    cat "$work/verify.log"
    return 1
  }
}
verify "$work/1.3.0.msi" || fail "the signature of the installer does not verify"
cp "$work/1.3.0.msi" "$work/changed.msi"
msibuild "$work/changed.msi" -q "UPDATE \`Property\` SET \`Value\` = 'Corbon' WHERE \`Property\` = 'ProductName'"
if verify "$work/changed.msi" >/dev/null; then
  fail "a changed installer still verifies"
fi

# ---- what is in it ----
table() {
  msiinfo export "$work/1.3.0.msi" "$1"
}
# has TABLE PATTERN: a line of the table.
has() {
  table "$1" | tr -d '\r' | grep -qE "$2" || fail "the table $1 has no $2: $(table "$1")"
}
for name in CONSOLE_URL TOKEN_FILE TAGS; do
  has Property "^SecureCustomProperties.*[;	]$name(;|$)"
  if table Property | grep -q "^$name"; then
    fail "$name has a value in the installer"
  fi
done
has Property '^ALLUSERS	1'
has Property '^ProductVersion	1\.3\.0'
msiinfo suminfo "$work/1.3.0.msi" | grep -q 'x64;1033' || fail "it is not for x64"
sequence() {
  table InstallExecuteSequence | tr -d '\r' | awk -F '\t' -v a="$1" '$1 == a { print $3 }'
}
[ "$(sequence RemoveExistingProducts)" -gt "$(sequence InstallInitialize)" ] || fail "an upgrade removes the old version before it can be undone"
[ "$(sequence RemoveExistingProducts)" -lt "$(sequence InstallFiles)" ] || fail "an upgrade removes the new version"
# Components stay what they are from version to version, or an upgrade would take away what it brings.
components() {
  msiinfo export "$work/$1.msi" Component | cut -f 2,3 | sort
}
[ "$(components 1.2.3)" = "$(components 1.3.0)" ] || fail "the components of two versions differ"
code() {
  msiinfo export "$work/$1.msi" Property | awk -F '\t' '$1 == "ProductCode" { print $2 }' | tr -d '\r'
}
[ "$(code 1.2.3)" != "$(code 1.3.0)" ] || fail "two versions are one product"

# ---- the machine before ----
# state FILE: files where programs put them, services, and what is in the registry of programs and installations. The folder of all
# installers is the system's.
state() {
  find "$drive/Program Files" "$drive/ProgramData" "$drive/windows/system32" "$drive/windows/Installer" "$drive/users/Public" \
    ! -path "$drive/windows/Installer" 2>/dev/null | sort >"$1.files"
  : >"$1.keys"
  for key in 'HKLM\Software\Cordon' 'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall' 'HKLM\Software\Microsoft\Windows\CurrentVersion\Installer' \
    'HKLM\Software\Classes\Installer' 'HKLM\System\CurrentControlSet\Services' 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment'; do
    wine_run reg query "$key" /s 2>/dev/null | tr -d '\r' >>"$1.keys" || true
  done
  # The installer's own empty boxes; and a separator that Wine's installer leaves in the path.
  sed -i -E -e '/Installer\\((UserData|UserData\\S-1-5-18)\\)?(UpgradeCodes|UserData|S-1-5-18|Components|Features|Products)$/d' \
    -e '/^$/d' -e '/^reg: /d' -e '/^    PATH /s/;+$//' "$1.keys"
}
# msi CODE ARGS...: msiexec, whose exit code is one modulo 256 here.
msi() {
  wanted=$1
  shift
  rm -f "$drive/log.txt"
  got=0
  wine_run msiexec "$@" /qn '/l*v' 'C:\log.txt' >/dev/null 2>&1 || got=$?
  [ "$got" -eq "$wanted" ] || {
    tail -n 40 "$drive/log.txt" 2>/dev/null | tr -d '\000' || true
    fail "msiexec $* ended with $got, not $wanted"
  }
}
value() {
  wine_run reg query "$1" /v "$2" 2>/dev/null | tr -d '\r' | awk -v v="$2" '$1 == v { $1 = ""; $2 = ""; sub(/^ +/, ""); print }'
}
version() {
  value 'HKLM\Software\Cordon' Version
}
state "$work/before"

# ---- what is refused changes nothing ----
printf 'a-secret-that-nobody-writes' >"$work/token.json"
msi 67 /i "Z:$work/1.2.3.msi" TAGS=lab
[ ! -e "$programs" ] || fail "what was refused left files"
[ -z "$(version)" ] || fail "what was refused left a key"
state "$work/refused"
cmp -s "$work/before.files" "$work/refused.files" || fail "what was refused left: $(diff "$work/before.files" "$work/refused.files")"

# ---- install, upgrade, repair ----
# The folder cannot be chosen: what is trusted and started has one place.
msi 0 /i "Z:$work/1.2.3.msi" 'INSTALLFOLDER=C:\Other'
[ ! -e "$drive/Other" ] || fail "it was put into another folder"
[ "$(version)" = 1.2.3 ] || fail "the version in the registry is '$(version)'"
[ "$(value 'HKLM\Software\Cordon' InstallFolder)" = "C:\\Program Files\\Cordon\\" ] || fail "the folder in the registry is another"
for name in cordon.exe LICENSE.txt plugins.trust.json cordond.default.json; do
  [ -s "$programs/$name" ] || fail "$name was not installed"
done
for name in "$programs"/plugins/*.dll "$programs"/*.exe; do
  [ ! -e "$name" ] || verify "$name" || fail "the signature of $name does not verify"
done
value 'HKLM\System\CurrentControlSet\Control\Session Manager\Environment' PATH | grep -qF 'Program Files\Cordon' || fail "the command is not on the path"
[ "$(wine_run "$programs/cordon.exe" --version 2>/dev/null)" = "cordon $(sed -n 's/^project(cordon VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")" ] ||
  fail "what was installed does not run"
# The agent that came with it runs, and answers its command.
runs() {
  [ -e "$programs/cordond.exe" ] || return 0
  wine_run "$programs/cordon.exe" local status >"$work/status" 2>&1 || fail "the agent does not run $1: $(cat "$work/status" "$drive/ProgramData/Cordon/cordond.log")"
  [ -s "$drive/ProgramData/Cordon/state/journal.db" ] || fail "the agent has no journal $1"
}
runs 'after the installation'
[ ! -e "$programs/cordond.exe" ] ||
  value 'HKLM\System\CurrentControlSet\Services\EventLog\Application\cordond' EventMessageFile | grep -qF 'C:\Program Files\Cordon\cordond.exe' ||
  fail "the event log does not know where the texts of events are"
# Each plugin that is there is in the trust list, by what it is.
for library in "$programs"/plugins/*.dll; do
  [ -e "$library" ] || continue
  grep -q "$(sha256sum "$library" | cut -d ' ' -f 1)" "$programs/plugins.trust.json" || fail "$library is not in the trust list"
done

msi 0 /i "Z:$work/1.3.0.msi"
[ "$(version)" = 1.3.0 ] || fail "after the upgrade the version is '$(version)'"
[ "$(wine_run reg query 'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall' /s | tr -d '\r' | grep -c 'DisplayName .*Cordon$')" -eq 1 ] ||
  fail "both versions are installed"
[ -s "$programs/cordon.exe" ] || fail "the upgrade took the program away"
runs 'after the upgrade'
# Wine does not tell the old version that it is an upgrade (UPGRADINGPRODUCTCODE), so that its state goes: that it stays is seen at the tables.
if [ -e "$programs/cordond.exe" ]; then
  has CustomAction '^StopAgent	[0-9]+	cordond_exe	--uninstall --keep-service'
  # In the script of the rollback, as the system: what wixl writes is done at once.
  has CustomAction '^InstallAgentUndo	3410	cordond_exe	--uninstall --keep-state'
  has CustomAction '^UpgradeAgentUndo	3410	cordond_exe	--uninstall --keep-service'
  has CustomAction '^RepairAgentUndo	3410	cordond_exe	--install'
  has CustomAction '^StopAgentUndo	3410	cordond_exe	--install'
  # What undoes a first installation never runs for a product that was there before.
  has InstallExecuteSequence '^InstallAgentUndo	NOT Installed AND NOT REMOVE AND NOT WIX_UPGRADE_DETECTED	'
  has InstallExecuteSequence '^UpgradeAgentUndo	NOT Installed AND NOT REMOVE AND WIX_UPGRADE_DETECTED	'
  has InstallExecuteSequence '^RepairAgentUndo	Installed AND NOT REMOVE	'
  has InstallExecuteSequence '^StopAgent	.*UPGRADINGPRODUCTCODE	'
  has InstallExecuteSequence '^RemoveAgent	.*NOT UPGRADINGPRODUCTCODE	'
fi
msi 67 /i "Z:$work/1.2.3.msi"
[ "$(version)" = 1.3.0 ] || fail "an older version was installed over a newer one"

rm "$programs/cordon.exe" "$programs/LICENSE.txt"
wine_run reg delete 'HKLM\Software\Cordon' /f >/dev/null 2>&1
msi 0 /i "Z:$work/1.3.0.msi" REINSTALL=ALL REINSTALLMODE=amus
for name in cordon.exe LICENSE.txt; do
  [ -s "$programs/$name" ] || fail "the repair did not bring $name back"
done
[ "$(version)" = 1.3.0 ] || fail "the repair brought no key back"
runs 'after the repair'

# ---- what the agent does for an installer, where the build has one ----
service='HKLM\System\CurrentControlSet\Services\cordond'
if [ -e "$build/core/agent/cordond.exe" ] && [ ! -e "$programs/cordond.exe" ]; then
  cp "$build/core/agent/cordond.exe" "$programs/"
  data=$drive/ProgramData/Cordon
  agent() {
    got=0
    wine_run "$programs/cordond.exe" "$@" >"$work/agent.log" 2>&1 || got=$?
    [ "$got" -eq 0 ] || fail "cordond $* ended with $got: $(cat "$work/agent.log")"
  }
  agent --install --no-start
  value "$service" ImagePath | grep -qF '"C:\Program Files\Cordon\cordond.exe" --service' || fail "the service starts something else: $(value "$service" ImagePath)"
  [ "$(value "$service" Start)" = 0x2 ] || fail "the service is not started with the system"
  cmp -s "$programs/cordond.default.json" "$data/cordond.json" || fail "there is no first configuration"
  # An administrator's are kept.
  printf '{"providers":{},"log":"all=warn"}' >"$data/cordond.json"
  printf '{"plugins":[{"id":"org.example.theirs","library":"sha256:0","manifest":"sha256:0"}]}' >"$data/plugins.trust.json"
  agent --install --no-start
  grep -q all=warn "$data/cordond.json" || fail "the configuration was changed"
  grep -q org.example.theirs "$data/plugins.trust.json" || fail "a trusted plugin was forgotten"
  for library in "$programs"/plugins/*.dll; do
    [ -e "$library" ] || continue
    grep -q "$(sha256sum "$library" | cut -d ' ' -f 1)" "$data/plugins.trust.json" || fail "$library is not in the agent's trust list"
  done
  agent --uninstall --keep-state
  [ -z "$(value "$service" ImagePath)" ] || fail "the service is still there"
  [ -s "$data/cordond.json" ] || fail "the state was not kept"
  mkdir -p "$data/state/deep/er"
  echo x >"$data/state/deep/er/file"
  agent --uninstall
  [ ! -e "$data" ] || fail "the agent left $(find "$data")"
  rm "$programs/cordond.exe"
fi

# ---- and away ----
# With a path of more than 260 units below its folder.
if [ -e "$drive/ProgramData/Cordon" ]; then
  part=$(printf '%0100d' 0)
  mkdir -p "$drive/ProgramData/Cordon/state/deep/$part/$part/$part"
  echo x >"$drive/ProgramData/Cordon/state/deep/$part/$part/$part/file"
fi
msi 0 /x "$(code 1.3.0)"
state "$work/after"
cmp -s "$work/before.files" "$work/after.files" || fail "files are left: $(diff "$work/before.files" "$work/after.files")"
cmp -s "$work/before.keys" "$work/after.keys" || fail "keys are left: $(diff "$work/before.keys" "$work/after.keys")"
echo "windows_msi: ok"
