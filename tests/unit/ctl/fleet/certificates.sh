#!/bin/sh
# Makes what the console of the tests needs, in a folder: ca.pem and other-ca.pem, cert.pem and key.pem for
# localhost and 127.0.0.1. Argument: the folder.
set -eu
command -v openssl >/dev/null || exit 77
command -v node >/dev/null || exit 77
cd "$1"
exec 2>log.openssl
new_key() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}
for ca in ca other-ca; do
  new_key "$ca.key"
  openssl req -x509 -new -key "$ca.key" -days 2 -subj "/CN=$ca" -out "$ca.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
done
new_key key.pem
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >ext
openssl req -new -key key.pem -subj /CN=console -out csr
openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem
