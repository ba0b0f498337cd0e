#!/bin/sh
# The ways to a console, each with the whole chain: by its name, by IPv6 alone, with a dead address and a black hole before the one that
# lives, through tinyproxy and through squid with user name and password. On each way an order isolates desk-1 for real, the agent
# finds its way back through the rules, and a release comes through.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

for tool in tinyproxy squid; do
  command -v $tool >/dev/null || {
    echo "skipped: $tool is not installed"
    ended=yes
    exit 77
  }
done

proxy_address=10.77.0.21
proxy_file=/etc/cordon/proxy.json

fleet() {
  on console cordon "$@" </dev/null
}

connected() {
  fleet device show desk-1 | grep -q '^Connection  connected'
}

# At the console's end: what comes from desk-1 over these paths is dropped, as in a black hole.
cut_off() {
  on console nft -f - <<END
table inet lab {}
delete table inet lab
table inet lab {
  chain in {
    type filter hook input priority 0; policy accept;
    $1 tcp dport { 8443, 8444 } drop
  }
}
END
}

texts='\("[^"]*",\{0,1\}\)*'

# enrol_by ENROLL AGENTS: anew, with a token whose addresses are these.
enrol_by() {
  fleet enroll-token create --uses 1 --for 1h -o /run/token-way >/dev/null
  on console cat /run/token-way </dev/null |
    sed -e "s|\"enroll\":\[$texts\]|\"enroll\":$1|" -e "s|\"agents\":\[$texts\]|\"agents\":$2|" |
    on desk-1 sh -c 'umask 077; cat >/run/token-way'
  on console rm -f /run/token-way
  on desk-1 cordon local enroll --token-file /run/token-way </dev/null
}

# The agent's own word: it is connected, to this address.
is_at() {
  [ "$(agent_value desk-1 console.connection)" = connected ] && [ "$(agent_value desk-1 console.address)" = "$1 port 8444" ]
}

# way NAME ADDRESS: the chain on the way that is in force.
way() {
  fact "$1: connected" within 60 is_at "$2"
  fact "$1: the console sees it" within 30 connected
  fact "$1: an order isolates it, and is proven" fleet isolate desk-1 --comment 'lab test' --wait
  fact "$1: it is cut off" really isolated
  on desk-1 lab-agent kill
  on desk-1 lab-agent start
  fact "$1: a new agent finds its way through the rules" within 60 is_at "$2"
  fact "$1: a release comes through" fleet release desk-1 --comment 'lab test' --wait
  fact "$1: all is open again" really released
}

lab up

fact 'enrolled by name' enrol_by '["https://console:8443"]' '["console:8444"]'
way 'by name' 10.77.0.2

cut_off 'ip saddr 10.77.0.11'
fact 'enrolled over IPv6 alone' enrol_by '["https://[fd77::2]:8443"]' '["[fd77::2]:8444"]'
way 'IPv6 alone' fd77::2

# 10.77.0.99 is nobody's; to fd77::2 packets vanish.
cut_off 'ip6 saddr fd77::11'
fact 'enrolled with a dead address first' enrol_by '["https://10.77.0.99:8443","https://10.77.0.2:8443"]' \
  '["10.77.0.99:8444","[fd77::2]:8444","10.77.0.2:8444"]'
way 'one dead address, one black hole' 10.77.0.2

# From now on there is no direct way.
on console nft -f - <<END
table inet lab {
  chain in {
    ip saddr 10.77.0.11 tcp dport { 8443, 8444 } drop
    ip6 saddr fd77::11 tcp dport { 8443, 8444 } drop
  }
}
END

# proxy_is PORT PASSWORD
proxy_is() {
  printf '{"proxy":"%s:%s","user":"cordon","password":"%s"}\n' "$proxy_address" "$1" "$2" |
    on desk-1 sh -c "umask 077; cat >$proxy_file"
  on desk-1 lab-agent stop
  on desk-1 lab-agent start
}

listens() {
  on server-1 ss -Hltn "sport = :$1" | grep -q LISTEN
}

start_tinyproxy() {
  on server-1 sh -c 'setsid tinyproxy -d -c /etc/tinyproxy.lab >/var/log/tinyproxy.lab 2>&1 </dev/null &'
  within 20 listens 3129
}

said_by_agent() {
  on desk-1 grep -qF "$1" /var/log/cordond.log
}

on desk-1 sed -i "s|\"proxy_file\": \"\"|\"proxy_file\": \"$proxy_file\"|" /etc/cordon/cordond.json
on server-1 sh -c 'cat >/etc/tinyproxy.lab' <<END
Port 3129
Listen $proxy_address
Timeout 600
MaxClients 20
ConnectPort 8443
ConnectPort 8444
BasicAuth cordon s3cret-word
END
fact 'tinyproxy runs' start_tinyproxy
proxy_is 3129 wrong-word
fact 'a wrong password is told of' within 30 said_by_agent 'refused the user name and password'
proxy_is 3129 s3cret-word
fact 'enrolled through tinyproxy' enrol_by '["https://console:8443"]' '["console:8444"]'
way 'tinyproxy' console
fact 'tinyproxy was asked for the console' on server-1 grep -q 'CONNECT console:8444' /var/log/tinyproxy.lab

# The proxy goes while the device is isolated: nothing opens, and the way is found again.
fact 'isolated once more' fleet isolate desk-1 --comment 'lab test' --wait
on server-1 pkill -KILL -x tinyproxy
fact 'without its proxy it stays isolated' really isolated
fact 'the console misses it' within 150 sh -c "! sh '$tree/packaging/lab.sh' exec console -- cordon device show desk-1 | grep -q '^Connection  connected'"
fact 'the proxy is back' start_tinyproxy
fact 'and so is the device' within 90 connected
fact 'released' fleet release desk-1 --comment 'lab test' --wait

# shellcheck disable=SC2016 # for the shell of server-1
on server-1 sh -c 'cat >/etc/squid.lab; umask 022; printf "cordon:%s\n" "$(openssl passwd -apr1 s3cret-word)" >/etc/squid.users' <<END
http_port $proxy_address:3128
auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid.users
acl known proxy_auth REQUIRED
acl console_port port 8443 8444
http_access allow CONNECT console_port known
http_access deny all
cache deny all
access_log stdio:/var/log/squid/lab.log
cache_log /var/log/squid/lab.cache.log
pid_filename /run/squid.lab.pid
max_filedescriptors 1024
shutdown_lifetime 1 seconds
END
on server-1 sh -c 'setsid squid -N -f /etc/squid.lab >/var/log/squid.out 2>&1 </dev/null &'
fact 'squid runs' within 60 listens 3128
proxy_is 3128 s3cret-word
fact 'enrolled through squid' enrol_by '["https://console:8443"]' '["console:8444"]'
way 'squid' console
# shellcheck disable=SC2016
on server-1 sh -c 'kill "$(cat /run/squid.lab.pid)"'
fact 'squid let the user through to the console' within 30 on server-1 grep -q 'CONNECT console:8444 cordon ' /var/log/squid/lab.log
facts_end
