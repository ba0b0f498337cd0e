# shellcheck shell=sh
# shellcheck disable=SC2154 # given by whoever sources it
# Sourced: makes a prefix and plants facts in it, which collect_facts.py looks for in a package. Of whoever sources it: $here, this folder, WINEPREFIX (exported),
# $disk, its drive C:, $work, a folder for what is needed meanwhile, and $plant, the program plugin_plant. $planted is the process that listens, $work/port its port and process id.

# A text in UTF-16 with its NUL, one for each line, as the bytes of a file of the registry.
hex() {
  { cat && echo; } | iconv -f UTF-8 -t UTF-16LE | od -An -v -tx1 | tr -d '\n' | sed -e 's/ 0a 00/ 00 00/g' -e 's/^ //' -e 's/ /,/g'
}

# add KEY VALUE TYPE DATA [VIEW]: they go in all at once, by add_all, since to start a program under Wine takes longer than to write a value.
add() {
  key=$(printf '%s' "$1" | sed -e 's/^HKLM/HKEY_LOCAL_MACHINE/' -e 's/^HKCU/HKEY_CURRENT_USER/')
  if [ "${5:-}" = /reg:32 ]; then
    key=$(printf '%s' "$key" | sed 's/\\SOFTWARE\\/\\SOFTWARE\\Wow6432Node\\/')
  fi
  case $3 in
  REG_SZ) data="\"$(printf '%s' "$4" | sed 's/[\\"]/\\&/g')\"" ;;
  REG_EXPAND_SZ) data="hex(2):$(printf '%s' "$4" | hex)" ;;
  REG_MULTI_SZ) data="hex(7):$(printf '%s' "$4" | sed 's/\\0/\n/g' | hex),00,00" ;;
  esac
  printf '[%s]\r\n"%s"=%s\r\n\r\n' "$key" "$2" "$data" >>"$work/plant.txt"
}

add_all() {
  {
    printf '\377\376'
    { printf 'Windows Registry Editor Version 5.00\r\n\r\n' && cat "$work/plant.txt"; } | iconv -f UTF-8 -t UTF-16LE
  } >"$work/plant.reg"
  wine reg import "Z:$work/plant.reg" >/dev/null 2>&1 </dev/null
  rm -f "$work/plant.txt"
}

windows='SOFTWARE\Microsoft\Windows\CurrentVersion'
nt='SOFTWARE\Microsoft\Windows NT\CurrentVersion'
plant_registry() {
  add "HKLM\\$windows\\Run" CordonMachine REG_SZ 'C:\evil\machine.exe /x'
  add "HKLM\\$windows\\Run" CordonMachine32 REG_SZ 'C:\evil\machine32.exe' /reg:32
  add "HKCU\\$windows\\RunOnce" CordonUser REG_EXPAND_SZ '%SystemRoot%\evil.exe'
  add "HKLM\\$nt\\Image File Execution Options\\sethc.exe" Debugger REG_SZ 'cmd.exe'
  add 'HKLM\SYSTEM\CurrentControlSet\Control\Session Manager' BootExecute REG_MULTI_SZ 'autocheck autochk *\0evilnative'
  add 'HKCU\Software\Classes\ms-settings\shell\open\command' DelegateExecute REG_SZ ''
  add "HKLM\\$windows\\Uninstall\\EvilTool" DisplayName REG_SZ '=EvilTool'
  add 'HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules' Evil REG_SZ \
    'v2.30|Action=Allow|Active=TRUE|Dir=In|Name=Evil|'
  wine sc delete CordonEvil >/dev/null 2>&1 </dev/null || true
  wine sc create CordonEvil binPath= 'C:\windows\system32\svchost.exe -k evil' start= auto >/dev/null 2>&1 </dev/null
  add 'HKLM\SYSTEM\CurrentControlSet\Services\CordonEvil\Parameters' ServiceDll REG_EXPAND_SZ '%SystemRoot%\evil.dll'
  add "HKLM\\$nt\\Winlogon" DefaultPassword REG_SZ hunter2
  add 'HKLM\SAM\CordonSecret' Secret REG_SZ hunter2
  add 'HKLM\SECURITY\CordonSecret' Secret REG_SZ hunter2
  for user in loggedoff:1001 broken:1002 gone:1003; do
    add "HKLM\\$nt\\ProfileList\\S-1-5-21-1-2-3-${user#*:}" ProfileImagePath REG_EXPAND_SZ "%SystemDrive%\\users\\${user%:*}"
  done
  add_all
}

plant_files() {
  mkdir -p "$disk/users/loggedoff/AppData/Local/Temp/deep" "$disk/users/broken" "$disk/windows/Prefetch" \
    "$disk/windows/system32/Tasks/Evil" "$disk/windows/system32/LogFiles/Firewall" \
    "$disk/ProgramData/Microsoft/Windows Defender/Support" \
    "$disk/ProgramData/Microsoft/Windows/Start Menu/Programs/Startup" \
    "$disk/users/loggedoff/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup"
  printf 'no hive at all' >"$disk/users/broken/NTUSER.DAT"
  printf 'MZplanted' >"$disk/users/loggedoff/AppData/Local/Temp/deep/=evil, one.exe"
  long=$(printf '%0100d' 0)
  mkdir -p "$disk/users/loggedoff/AppData/Local/Temp/$long/$long"
  printf 'MZdeep' >"$disk/users/loggedoff/AppData/Local/Temp/$long/$long/$(printf '%040d' 0).exe"
  printf 'a secret of this machine' >"$work/outside"
  ln -sf "$work/outside" "$disk/users/loggedoff/AppData/Local/Temp/way_out.txt"
  printf 'MAMplanted' >"$disk/windows/Prefetch/EVIL.EXE-1A2B3C4D.pf"
  printf '203.0.113.7 planted.example\r\n' >>"$disk/windows/system32/drivers/etc/hosts"
  printf '2026-01-01 DROP TCP planted\r\n' >"$disk/windows/system32/LogFiles/Firewall/pfirewall.log"
  printf 'planted log of Defender' >"$disk/ProgramData/Microsoft/Windows Defender/Support/MPLog-1.log"
  mkdir -p "$disk/users/loggedoff/Documents/PowerShell" "$disk/windows/system32/GroupPolicy/User/Scripts"
  printf 'planted profile' >"$disk/users/loggedoff/Documents/PowerShell/profile.ps1"
  printf 'planted script' >"$disk/windows/system32/GroupPolicy/User/Scripts/scripts.ini"
  printf 'everybody' >"$disk/ProgramData/Microsoft/Windows/Start Menu/Programs/Startup/all.lnk"
  printf 'one' >"$disk/users/loggedoff/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup/one.bat"
  {
    printf '\377\376'
    cat <<'END' | iconv -f UTF-8 -t UTF-16LE
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Author>Ev&#105;l &amp; Söhne</Author><URI>\Evil\one</URI></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Principals><Principal id="a"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Hidden>true</Hidden></Settings>
  <Actions><Exec><Command>C:\evil\task.exe</Command><Arguments>-q &lt;now&gt;</Arguments></Exec></Actions>
</Task>
END
  } >"$disk/windows/system32/Tasks/Evil/one"
  printf '<Task><Actions>' >"$disk/windows/system32/Tasks/Evil/cut"
}

# A socket that listens, and its process; it ends when its input does.
plant_process() {
  cp "$plant" "$disk/planted.exe"
  mkfifo "$work/stay"
  wine "$disk/planted.exe" 'C:\users\loggedoff' stay <"$work/stay" >"$work/port" 2>"$work/plant.err" &
  planted=$!
  exec 8>"$work/stay"
  n=0
  while [ ! -s "$work/port" ]; do
    n=$((n + 1))
    if [ $n -gt 300 ] || ! kill -0 "$planted" 2>/dev/null; then
      cat "$work/plant.err"
      echo "the process was not planted"
      exit 1
    fi
    sleep 0.1
  done
}

# Makes the prefix. The service manager of who made it ends with them, and what is told to it meanwhile is lost. Then the process first: while it
# is there, the next one stays.
plant_all() {
  plant_server=$(command -v wineserver || command -v wineserver64)
  sh "$here/wine.sh" "$WINEPREFIX" make
  "$plant_server" -k >/dev/null 2>&1 </dev/null || true
  timeout 20 "$plant_server" -w >/dev/null 2>&1 </dev/null || true
  "$plant_server" -p >/dev/null 2>&1 </dev/null
  plant_files
  plant_process
  plant_registry
}
