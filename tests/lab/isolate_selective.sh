#!/bin/sh
# A selective isolation leaves open what its exclusions say, and nothing else: by address, prefix, range, protocol,
# port, port range and direction, for IPv4 and IPv6.
# shellcheck disable=SC2016 # commands that same_text evaluates later
. "$(dirname "$0")/lib.sh"

# selective EXCLUSION...: isolates desk-1 with these.
selective() {
  printf '{"exclusions":[%s]}\n' "$(IFS=, && echo "$*")" | on desk-1 tee /tmp/exclusions.json >/dev/null
  isolate desk-1 --selective /tmp/exclusions.json
}

# only_open LOOK CONDITION: what meets it and touches desk-1 is reached, everything else that touches desk-1 is cut.
only_open() {
  every "$1" reached "(from == \"desk-1\" || to == \"desk-1\") && ($2)" &&
    every "$1" cut "(from == \"desk-1\" || to == \"desk-1\") && !($2)"
}

# case_of NAME CONDITION EXCLUSION...
case_of() {
  name=$1
  condition=$2
  shift 2
  fact "$name: isolate succeeds" selective "$@"
  fact "$name: isolation is proven" says desk-1 "$proven" holds
  look selective
  fact "$name: the exclusion and nothing else" only_open selective "$condition"
  fact "$name: all others reach each other" every selective reached 'from != "desk-1" && to != "desk-1"'
}

lab up

case_of 'out, one IPv4 address, TCP port 22' 'from == "desk-1" && to == "desk-2" && family == "v4" && kind == "tcp"' \
  '{"direction":"out","address":"10.77.0.12","protocol":"tcp","port":"22"}'
case_of 'in, an IPv6 prefix, TCP port 80' 'to == "desk-1" && from == "server-1" && family == "v6" && kind == "http"' \
  '{"direction":"in","address":"fd77::20/123","protocol":"tcp","port":"80"}'
case_of 'both, an IPv4 range, UDP, any port' \
  '(from == "server-1" || to == "server-1") && family == "v4" && (kind == "udp" || kind == "dns")' \
  '{"direction":"both","address":"10.77.0.20-10.77.0.30","protocol":"udp"}'
case_of 'out, everything of one IPv6 address' 'from == "desk-1" && to == "internet" && family == "v6"' \
  '{"direction":"out","address":"fd77::1"}'
case_of 'in, ping only' 'to == "desk-1" && from == "desk-2" && kind == "icmp"' \
  '{"direction":"in","address":"10.77.0.12","protocol":"icmp"}' '{"direction":"in","address":"fd77::12","protocol":"icmp"}'
case_of 'out, behind the default route' 'from == "desk-1" && to == "far" && kind == "dns"' \
  '{"direction":"out","address":"198.18.0.0/15","protocol":"udp","port":"53"}' \
  '{"direction":"out","address":"2001:2::/48","protocol":"udp","port":"53"}'
case_of 'several at once, overlapping' \
  'from == "desk-1" && (to == "desk-2" && family == "v4" || to == "server-1" && family == "v6" && kind == "tcp")' \
  '{"direction":"out","address":"10.77.0.12"}' '{"direction":"out","address":"10.77.0.12/31","protocol":"tcp","port":"1-100"}' \
  '{"direction":"out","address":"fd77::21","protocol":"tcp","port":"22"}'

fact 'a port range: isolate succeeds' selective '{"direction":"out","address":"10.77.0.1","protocol":"tcp","port":"9000-9100"}' \
  '{"direction":"out","address":"10.77.0.12","protocol":"tcp","port":"2222"}'
fact 'a port range: its first port is open' on desk-1 lab-probe tcp 10.77.0.1 9000
fact 'a port range: a port inside is open' on desk-1 lab-probe tcp 10.77.0.1 9001
unreached 'a port range: a port outside is cut' on desk-1 lab-probe tcp 10.77.0.1 8443
unreached 'an excluded remote gets in nowhere by using its excluded port as source' \
  on desk-2 lab-probe tcp 10.77.0.11 22 --from-port 2222
unreached 'nor with datagrams' on desk-2 lab-probe udp 10.77.0.11 7 --from-port 2222

fact 'release succeeds' release desk-1
follow kept desk-1 10.77.0.1
follow cut desk-1 10.77.0.12
fact 'two downloads run' within 15 follows_well kept desk-1
fact 'both of them' within 15 follows_well cut desk-1
fact 'isolate with one of them excluded succeeds' selective '{"direction":"out","address":"10.77.0.1","protocol":"tcp","port":"80"}'
fact 'the one that is not excluded was ended' grep -q '^ended' <<END
$(followed cut desk-1)
END
kept=$(followed kept desk-1)
fact 'the excluded one goes on' within 15 follows_well kept desk-1 "$((${kept%%[!0-9]*} + 8192))"

fact 'full, on top of selective, closes the exclusions' isolate desk-1
look full
facts_cut full full
fact 'and ends the download' within 5 same_text 'followed kept desk-1 | cut -d " " -f 1' ended

fact 'release succeeds again' release desk-1
look after
fact 'after: everybody reaches everybody' every after reached 1
on desk-1 sh -c 'echo "{\"exclusions\":[]}" >/tmp/exclusions.json'
never 'without an exclusion it is refused' isolate desk-1 --selective /tmp/exclusions.json
never 'a prefix of length 0 is refused' selective '{"direction":"out","address":"0.0.0.0/0"}'
never 'a member that does not exist is refused' selective '{"direction":"out","address":"10.77.0.1","process":"x"}'
never 'a port without a protocol is refused' selective '{"direction":"out","address":"10.77.0.1","port":"80"}'
fact 'and what was refused changed nothing' really released

facts_end
