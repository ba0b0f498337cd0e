#!/bin/sh
# Usage: host_links_no_crypto.sh HOST-PROGRAM. The host loads plugins that may be under a copyleft licence and
# must therefore stay free of libraries that do not go with them; it needs no cryptography.
set -eu

host=$1
if readelf -d "$host" | grep NEEDED | grep -E 'ssl|crypto|mbed|nettle|gnutls|nftables'; then
  echo "$host links the libraries above"
  exit 1
fi
if nm "$host" 2>/dev/null | grep -E ' mbedtls_| nettle_'; then
  echo "$host contains the functions above"
  exit 1
fi
