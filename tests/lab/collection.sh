#!/bin/sh
# A package of the profile custom: an administrator's list, kept at the console and carried in the signed order, says which files of
# the device come home. What is secret does not, nor what a link leads to; what was altered is not ordered at all.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show desk-1 | grep -q '^Connection  connected'
}

# to PLACE FILE: what is read is there.
to() {
  on "$1" sh -c "cat >$2"
}

# The list of this version, with the items that are read.
list() {
  printf '{"name":"web-1","version":%s,"items":[' "$1"
  cat
  printf ']}'
}

shown() {
  fleet collection show web-1 | grep -qF "$1"
}

set_list() {
  fleet collection set /var/tmp/list.json --comment 'CHG-1'
}

# The package is partial, since not everything that the list names may be taken: 7.
collected() {
  collected_rc=0
  fleet collect desk-1 --profile custom --list web-1 -o "$1" --comment 'lab test' --timeout 60 || collected_rc=$?
  [ $collected_rc = 7 ]
}

# What the audit log says of the order.
recorded() {
  on console sqlite3 /var/lib/cordon-console/console.db "select detail from audit where what = 'action.create'" </dev/null | grep -qF "$1"
}

actions() {
  fleet actions --json | grep -o '"id"' | wc -l
}

# has FILE TEXT: a file of the package holds the text.
has() {
  grep -qF -- "$2" "$work/package/$1"
}

# told PATH STATUS TEXT: what the manifest says of it.
told() {
  python3 - "$work/package/manifest.json" "$@" <<'PY'
import json, sys
manifest, path, status, text = sys.argv[1:]
items = [i for i in json.load(open(manifest))["items"] if i["source"] == path]
assert items, path + " is not in the manifest"
assert any(i["status"] == status and text in (i["error"] or "") for i in items), items
PY
}

no_secret() {
  ! grep -rqF hunter2 "$work/package"
}

local_collected() {
  on desk-1 cordon local collect --profile custom --list /var/tmp/list.json -o /var/tmp/l.zip </dev/null >"$work/collect" 2>&1 || true
  grep -q '^Status *Succeeded, partial' "$work/collect"
}

unpacked() {
  rm -rf "$work/package"
  on "$1" cat "$2" </dev/null >"$work/package.zip"
  mkdir "$work/package"
  python3 -m zipfile -e "$work/package.zip" "$work/package"
}

lab up
on desk-1 sh -eu <<'EOF2'
mkdir -p /srv/web/logs /srv/web/deep/a/b/c /srv/many /srv/secret
echo 'GET /planted' >/srv/web/logs/access.log
echo 'an error' >/srv/web/logs/error.log
echo 'no log' >/srv/web/logs/notes.txt
echo '<?php planted' >/srv/web/deep/a/shell.php
echo '<?php too deep' >/srv/web/deep/a/b/c/shell.php
i=0
while [ $i -lt 30 ]; do i=$((i + 1)); echo $i >/srv/many/$i; done
head -c 100000 /dev/zero >/srv/web/logs/long.log
chown 65534 /srv/secret
ln -s /etc/passwd /srv/secret/link
mkfifo /srv/secret/fifo
mknod /srv/secret/zero c 1 5
echo 'hunter2' >/srv/secret/id_rsa
printf 'before\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nafter\n' >/srv/secret/notes
printf 'eve:$6$saltsalt$hunter2hunter2hunter2:1:\n' >/srv/secret/copy_of_shadow
chmod 600 /srv/secret/notes
printf 'root:$6$saltsalt$hunter2hunter2hunter2:1:\n' >>/etc/shadow
(sh -c 'while :; do cat /dev/zero; done' | head -c 400000000 >/srv/web/logs/grows.log) &
EOF2

list 1 <<'EOF2' | to console /var/tmp/list.json
{"folder":"Web server","path":"/srv/web/logs/*.log","max_bytes":65536,"why":"CHG-1"},
{"folder":"Scripts","path":"/srv/web/**/*.php","max_depth":3,"why":"CHG-1"},
{"folder":"Many","path":"/srv/many/*","max_files":10,"why":"CHG-1"},
{"folder":"Secret","path":"/srv/secret/*","why":"CHG-1"},
{"folder":"Secret","path":"/etc/shadow","why":"CHG-1"},
{"folder":"Secret","path":"/var/lib/cordon/*","why":"CHG-1"},
{"folder":"Secret","path":"/proc/1/environ","why":"CHG-1"},
{"folder":"None","path":"/opt/nothing/*","why":"CHG-1"}
EOF2

fact 'desk-1 is connected' within 30 connected
before=$(actions)
never 'a list that nobody has set is not ordered' collected /var/tmp/none.zip
fact 'the list is kept' set_list
never 'the same version is not kept again' set_list
fact 'it is shown' shown /srv/web/logs
fact 'a package is made by it, sent home and fetched' collected /var/tmp/a.zip
fact 'each of its files is what its manifest says' on console cordon package verify /var/tmp/a.zip </dev/null
unpacked console /var/tmp/a.zip
fact 'its manifest names the list' grep -q '"profile":"custom","list":"web-1","list_version":1' "$work/package/manifest.json"
fact 'a log is in the folder of the list' has 'Web server/srv_web_logs_access.log' 'GET /planted'
never 'what the pattern does not say is not' ls "$work/package/Web server/srv_web_logs_notes.txt"
fact 'of a long file its end is taken, and that is told' told /srv/web/logs/long.log partial 'the last 65536'
fact 'a file that grows ends at its ceiling' told /srv/web/logs/grows.log partial ''
fact 'a file below is found' has 'Scripts/srv_web_deep_a_shell.php' planted
fact 'but not below the depth, and that is told' told '/srv/web/**/*.php' partial 'deeper than 3'
fact 'the ceiling of files is told' told '/srv/many/*' partial 'more than 10 files match'
fact 'nothing is told of what is not there' told '/opt/nothing/*' absent 'nothing on this device matches'
fact 'a link is told and not followed' told /srv/secret/link denied 'a link'
fact 'a FIFO is told and not read' told /srv/secret/fifo denied 'no plain file'
fact 'a device is told and not read' told /srv/secret/zero denied 'no plain file'
fact 'hashes of passwords are not taken' told /etc/shadow denied 'secrets are never taken'
fact 'nor private keys by their names' told /srv/secret/id_rsa denied 'secrets are never taken'
fact 'nor within other files' told /srv/secret/notes partial '1 private keys'
fact 'of which the rest is taken' has Secret/srv_secret_notes after
fact 'nor hashes in a copy' told /srv/secret/copy_of_shadow partial '1 hashes'
fact 'nor what the agent keeps' told /var/lib/cordon/device.key denied 'secrets are never taken'
fact 'nor what the kernel makes up' told /proc/1/environ denied "file system of the kernel's"
fact 'no secret is anywhere in the package' no_secret
fact 'which list it was is in the audit log' recorded '"list":"web-1 version 1"'

# Somebody who can write the database does not choose what comes home.
after=$(actions)
on console sqlite3 /var/lib/cordon-console/console.db "update collection set json = replace(json, '/opt/nothing', '/root')" </dev/null
never 'a list that was altered in the database is not ordered' collected /var/tmp/b.zip
fact 'and no action came of it' test "$(actions)" = "$after"
fact 'nor of the one that nobody had set' test "$after" = $((before + 1))
fact 'the device has made one package' test "$(on desk-1 cordon local actions --json </dev/null | grep -o '"kind":"collect"' | wc -l)" = 1

# On the device itself: its administrator, who may read all of it anyway.
list 1 <<'EOF2' | to desk-1 /var/tmp/list.json
{"folder":"Web server","path":"/srv/web/logs/access.log","why":"here"},
{"folder":"Secret","path":"/srv/secret/*","why":"here"}
EOF2
fact 'a list of the device is taken from its administrator' local_collected
unpacked desk-1 /var/tmp/l.zip
fact 'and its package has what it names' has 'Web server/srv_web_logs_access.log' 'GET /planted'
fact 'and no secret' no_secret
list 1 <<'EOF2' | to desk-1 /var/tmp/bad.json
{"folder":"Web server","path":"/srv/../etc/passwd","why":"here"}
EOF2
never 'one that leads up is refused' on desk-1 cordon local collect --profile custom --list /var/tmp/bad.json -o /var/tmp/m.zip </dev/null
fact 'with nothing made of it' test "$(on desk-1 cordon local actions --json </dev/null | grep -o '"kind":"collect"' | wc -l)" = 2
fact 'and the collector has no strike' on desk-1 sh -c "! grep -qE 'strike|left behind' /var/log/cordond.log" </dev/null

facts_end
