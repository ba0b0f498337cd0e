#!/bin/sh
# The way to the console: while isolated, only sockets with the agent's mark get out to it, and only there.
. "$(dirname "$0")/lib.sh"

mark=0xc0d10001
lab up
on desk-1 lab-agent stop
on desk-1 sh -c 'sed -i \
  -e "s|\"addresses\": \[\]|\"addresses\": [\"10.77.0.1:8443\", \"[fd77::1]:8443\"]|" \
  -e "s|\"resolvers\": \[\]|\"resolvers\": [\"10.77.0.1\", \"fd77::1\"]|" /etc/cordon/cordond.json'
fact 'the configuration has the console' on desk-1 grep -q 10.77.0.1:8443 /etc/cordon/cordond.json
fact 'cordond starts with it' on desk-1 lab-agent start
fact 'before: the console answers datagrams too' on desk-1 lab-probe udp 10.77.0.1 8443
fact 'before: it gets in from its own port' on internet lab-probe udp 10.77.0.11 7 --from-port 8443
fact 'isolate succeeds' isolate desk-1
fact 'isolation is proven' says desk-1 "$proven" holds

for address in 10.77.0.1 fd77::1; do
  fact "marked: the console at $address is reached" on desk-1 lab-probe tcp "$address" 8443 --mark $mark
  unreached "marked: not another port of it, $address" on desk-1 lab-probe tcp "$address" 22 --mark $mark
  unreached "marked: not the console's port over UDP, $address" on desk-1 lab-probe udp "$address" 8443 --mark $mark
  unreached "marked: no ping, $address" on desk-1 lab-probe icmp "$address" 0 --mark $mark
  unreached "another mark does not do, $address" on desk-1 lab-probe tcp "$address" 8443 --mark 0xc0d10002
  unreached "half of the mark does not do, $address" on desk-1 lab-probe tcp "$address" 8443 --mark 0x0001
  unreached "unmarked: the console is cut, $address" on desk-1 lab-probe tcp "$address" 8443
  fact "marked: the resolver at $address answers" on desk-1 lab-probe dns "$address" 53 --mark $mark
  fact "marked: the resolver at $address answers over TCP" on desk-1 lab-probe dnstcp "$address" 53 --mark $mark
  unreached "unmarked: the resolver is cut, $address" on desk-1 lab-probe dns "$address" 53
done
for address in 10.77.0.12 fd77::12 198.18.0.1 2001:2::1; do
  unreached "marked: nobody else, $address" on desk-1 lab-probe tcp "$address" 22 --mark $mark
  unreached "marked: no other resolver, $address" on desk-1 lab-probe dns "$address" 53 --mark $mark
done
unreached 'the console gets in nowhere' on internet lab-probe tcp 10.77.0.11 22
unreached 'not even from its own port' on internet lab-probe udp 10.77.0.11 7 --from-port 8443
look during
facts_cut during 'unmarked'

# The console echoes, so that this connection hears its own request and then nothing, and stays.
on desk-1 sh -c "setsid lab-probe follow 10.77.0.1 8443 --mark $mark >/var/tmp/marked 2>&1 </dev/null &"
fact 'a marked connection to the console is made' within 10 on desk-1 grep -q '^[0-9]' /var/tmp/marked
fact 'isolating again leaves the connection to the console alone' isolate desk-1
never 'it was not ended' on desk-1 grep -q ended /var/tmp/marked
fact 'release succeeds' release desk-1
fact 'and everything is open again' really released

facts_end
