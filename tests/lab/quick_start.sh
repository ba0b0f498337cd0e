#!/bin/sh
# The quick start of docs/console.md, word for word, on a machine that has had no console: each block of the page is run where it says,
# with the lab's names in place of the examples'. In the end a device is isolated and released.
LAB_CONSOLE_PLACE=yes
. "$(dirname "$0")/lib.sh"

page=$tree/docs/console.md

# block FILE LANGUAGE NUMBER: that code block between `## Start` and `## Running`, or from the beginning of another page.
block() {
  awk -v language="$2" -v number="$3" -v all="${4:-no}" '
    /^## Start$/ { within = 1 }
    /^## Running$/ { within = 0 }
    $0 == "```" { inside = 0 }
    inside { print }
    $0 == "```" language && (within || all == "yes") { inside = ++count == number }
  ' "$1" | sed -e 's/console\.example/console/g' -e 's/192\.0\.2\.10\>/10.77.0.2/g' -e 's/\<desk-1\>/desk-2/g' >"$work/block"
  [ -s "$work/block" ]
}

runs_on() {
  on "$1" sh -eu -c 'cd /root && . /dev/stdin >/var/log/quick-start.log 2>&1' <"$work/block" || {
    on "$1" cat /var/log/quick-start.log
    return 1
  }
}

file_on() {
  on "$1" sh -c "umask 022; mkdir -p /etc/cordon; cat >$2" <"$work/block"
}

line() {
  sed -n "$1p" "$work/lines" >"$work/block"
  [ -s "$work/block" ]
}

lab up
# As if there had never been one, and a device that knows none.
on console lab-console kill
on console sh -c 'userdel cordon-signer; userdel cordon-console; rm -rf /var/lib/cordon-console /var/lib/cordon-signer /run/cordon-signer \
  /etc/cordon /root/.config' 2>/dev/null
on desk-2 lab-agent stop
on desk-2 sh -c 'rm -rf /var/lib/cordon/*'
on desk-2 lab-agent start

fact 'the page has its users and folders' block "$page" sh 1
fact 'they are made' runs_on console
fact "the page has the signer's configuration" block "$tree/docs/signer.md" json 1 yes
fact 'it is written' file_on console /etc/cordon/signer.json
fact "the page has the console's configuration" block "$page" json 1
fact 'it is written, too' file_on console /etc/cordon/cordon-console.json
fact 'the page has the programs' block "$page" sh 2
fact 'they are started' runs_on console
# What the page says in words: the file of the operator's command.
# shellcheck disable=SC2016 # for the shell over there
on console sh -c 'umask 077; mkdir -p /root/.config/cordon
  lab-json client_secret </var/lib/cordon-console/soc.json >/root/secret
  printf "{\"console\":\"https://console:8443\",\"ca\":\"/root/ca.pem\",\"client_id\":\"%s\",\"client_secret_file\":\"/root/secret\"}\n" \
    "$(lab-json client_id </var/lib/cordon-console/soc.json)" >/root/.config/cordon/config.json
  cp /var/lib/cordon-signer/ca.pem /root/ca.pem'
fact 'the console answers' within 30 on console cordon device list
fact "the page has the device's way in" block "$page" sh 3
mv "$work/block" "$work/lines"
fact 'a token: there is a line' line 1
fact 'it is made' runs_on console
on console cat /root/token.json </dev/null | on desk-2 sh -c 'umask 077; cat >/root/token.json'
fact 'enrolment: there is a line' line 2
fact 'the device is enrolled' runs_on desk-2
fact 'the list: there is a line' line 3
fact 'it is shown' within 30 runs_on console
fact 'and has the device' on console grep -q desk-2 /var/log/quick-start.log
fact 'isolate: there is a line' line 4
fact 'the device is isolated and that is proven' runs_on console
fact 'it is so' says desk-2 "$proven" holds
unreached 'it reaches nobody' on desk-2 lab-probe tcp 10.77.0.1 22
fact 'release: there is a line' line 5
fact 'the device is released' runs_on console
fact 'it reaches everybody again' on desk-2 lab-probe tcp 10.77.0.1 22
facts_end
