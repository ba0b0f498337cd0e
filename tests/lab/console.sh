#!/bin/sh
# lab-console, inside the lab's place `console`: what a service manager and an administrator would do with cordon-signer
# and cordon-console, each as a user of its own.
#
#   lab-console setup                    keys, configuration, an application for the `cordon` command
#   lab-console start | stop | kill      both programs
#   lab-console start-one signer|console [NAME=VALUE ...]   with these in its environment; it may end before it answers
#   lab-console kill-one signer|console
#   lab-console runs signer|console
set -eu

etc=/etc/cordon
number=2

wait_until() {
  tries=$(($1 * 20))
  shift
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.05
  done
}

as() {
  user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --init-groups -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

write_configuration() {
  cat >$etc/signer.json <<END
{ "database": "/var/lib/cordon-console/console.db", "socket": "/run/cordon-signer/signer.sock",
  "console_user": "cordon-console", "caps": { "orders_per_minute": 600, "isolated_devices_per_hour": 100 } }
END
  cat >$etc/cordon-console.json <<END
{ "data_dir": "/var/lib/cordon-console",
  "people": { "listen": "*:8443", "url": "https://console:8443" },
  "agents": { "listen": "*:8444", "addresses": ["console:8444", "10.77.0.$number:8444", "[fd77::$number]:8444"] },
  "names": ["console", "localhost", "127.0.0.1", "10.77.0.$number", "10.77.0.3", "fd77::$number"],
  "signer": { "socket": "/run/cordon-signer/signer.sock", "user": "cordon-signer" },
  "limits": { "per_minute": 6000, "per_hour": 90000 },
  "exclusions": [ { "name": "default", "exclusions": [
    { "direction": "out", "address": "10.77.0.21", "protocol": "tcp", "port": "80", "note": "the lab's server" } ] } ] }
END
}

# The command's own configuration, for root on this place.
write_client() {
  mkdir -p /root/.config/cordon
  cp /var/lib/cordon-signer/ca.pem $etc/ca.pem
  chmod 644 $etc/ca.pem
  id=$(lab-json client_id <$etc/operator.json)
  lab-json client_secret <$etc/operator.json | (umask 077 && cat >$etc/operator.secret)
  (
    umask 077
    cat >/root/.config/cordon/config.json <<END
{ "console": "https://console:8443", "ca": "$etc/ca.pem", "client_id": "$id", "client_secret_file": "$etc/operator.secret" }
END
  )
}

permissions=Machine.Read.All,Machine.ReadWrite.All,Machine.Isolate,Machine.CollectForensics,Machine.Scan,Machine.StopAndQuarantine,Machine.ReleaseCode,Cordon.Enroll,Cordon.Revoke,Cordon.Audit.Read,Cordon.Policy,Cordon.Collection,Cordon.Remediate,Alert.ReadWrite.All

setup() {
  mkdir -p $etc
  for part in signer console; do
    mkdir -p /var/lib/cordon-$part
    chown cordon-$part: /var/lib/cordon-$part
  done
  chmod 700 /var/lib/cordon-signer
  chmod 750 /var/lib/cordon-console
  usermod -a -G cordon-console cordon-signer
  write_configuration
  as cordon-signer cordon-signer --init /var/lib/cordon-signer
  as cordon-console cordon-console init
  mkdir -p /run/cordon-app
  chown cordon-console: /run/cordon-app
  as cordon-console cordon-console app create --name lab --permissions $permissions --out /run/cordon-app/operator.json
  mv /run/cordon-app/operator.json $etc/operator.json
  chown root: $etc/operator.json
  write_client
}

pid_of() {
  cat "/run/lab-$1.pid" 2>/dev/null || true
}

runs() {
  [ "$(readlink "/proc/$(pid_of "$1")/exe" 2>/dev/null)" = "/usr/sbin/cordon-$1" ]
}

gone() {
  ! runs "$1"
}

signer_answers() {
  [ -S /run/cordon-signer/signer.sock ]
}

console_answers() {
  curl --silent --fail --max-time 2 --cacert $etc/ca.pem https://console:8443/healthz >/dev/null
}

# It answers, or a fault that it was given has ended it.
started() {
  "${1}_answers" || { [ "$2" != 0 ] && ! kill -0 "$(pid_of "$1")" 2>/dev/null; }
}

start_one() {
  program=$1
  shift
  if runs "$program"; then
    echo "lab-console: cordon-$program is running already" >&2
    exit 1
  fi
  variables=$#
  if [ "$program" = signer ]; then
    rm -rf /run/cordon-signer
    mkdir -m 755 /run/cordon-signer
    chown cordon-signer: /run/cordon-signer
  fi
  setsid setpriv --reuid "cordon-$program" --regid "cordon-$program" --init-groups -- \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" "/usr/sbin/cordon-$program" \
    </dev/null >>"/var/log/cordon-$program.log" 2>&1 &
  echo $! >"/run/lab-$program.pid"
  if ! wait_until 20 started "$program" "$variables"; then
    echo "lab-console: cordon-$program does not answer within 20 s; the end of its log:" >&2
    tail -n 20 "/var/log/cordon-$program.log" >&2
    exit 1
  fi
}

end_one() {
  if runs "$2"; then
    kill -s "$1" "$(pid_of "$2")" 2>/dev/null || true
  fi
  wait_until 20 gone "$2" || {
    echo "lab-console: cordon-$2 still runs 20 s after SIG$1" >&2
    exit 1
  }
}

case ${1:-}/${2:-} in
runs/signer | runs/console) runs "$2" ;;
setup/) setup ;;
start/)
  start_one signer
  start_one console
  ;;
stop/)
  end_one TERM console
  end_one TERM signer
  ;;
kill/)
  end_one KILL console
  end_one KILL signer
  ;;
start-one/signer | start-one/console)
  shift
  start_one "$@"
  ;;
kill-one/signer | kill-one/console) end_one KILL "$2" ;;
*)
  echo "usage: lab-console setup | start | stop | kill | start-one signer|console [NAME=VALUE ...] | kill-one | runs signer|console" >&2
  exit 2
  ;;
esac
