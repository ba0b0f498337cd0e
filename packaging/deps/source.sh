# Fetches Debian source packages into a folder of the caller's: sourced by mbedtls.sh and windows.sh, which set $work (a folder that
# is theirs alone), $suite, $mirror (may be empty) and $keyring, and have the functions say and fail.
# shellcheck shell=sh
# shellcheck disable=SC2154 # what the caller sets

# The mirror the machine already uses for Debian, so that a site with a mirror of its own needs no setting.
find_mirror() {
  if [ -z "$mirror" ]; then
    # shellcheck disable=SC2016 # the $(..) is apt's own format, not the shell's
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
      sed -n 's/ Debian$//p' | head -n 1) || mirror=
  fi
  mirror=${mirror:-http://deb.debian.org/debian}
  mirror=${mirror%/}
}

# Runs apt-get with lists, state, cache and sources of our own. The system's apt.conf (a proxy, say) still
# counts; its sources, its lists and what is installed are neither read nor changed.
private_apt() {
  apt-get -qq \
    -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
    -o Dir::State="$work/state" -o Dir::State::Lists="$lists" \
    -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# use_suite NAME: the list of the suite's sources, fetched once; its signature chain ends at the installed keyring.
use_suite() {
  suite=$1
  [ -f "$keyring" ] || fail "the keyring $keyring is missing: install the package debian-archive-keyring"
  find_mirror
  lists=$work/lists-$suite
  : >"$work/status"
  mkdir -p "$work/state/lists/partial" "$lists/partial" "$work/cache/archives/partial"
  printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" >"$work/sources.list"
  if [ ! -f "$lists/fetched" ]; then
    say "fetching the source list of $suite from $mirror"
    private_apt update || fail "the source list of $suite could not be fetched from $mirror"
    touch "$lists/fetched"
  fi
}

# fetch_source PACKAGE FOLDER: unpacks the package of the suite, with Debian's patches, into $work/FOLDER; $orig is its archive, $dsc its
# description. False if the mirror does not have it: what its list names may be gone already.
fetch_source() {
  got=$work/got-$2-$suite
  mkdir "$got"
  (cd "$got" && private_apt source --download-only "$1") || return 1
  orig=$(find "$got" -maxdepth 1 -name "$1_*.orig.tar.*" ! -name '*.asc')
  dsc=$(find "$got" -maxdepth 1 -name "$1_*.dsc")
  if [ ! -f "$orig" ] || [ ! -f "$dsc" ]; then
    fail "the source package $1 of $suite is not one archive and one .dsc"
  fi
  # apt has checked both against the signed list already; dpkg-source only unpacks and patches.
  (cd "$work" && dpkg-source --no-check -x "$dsc" "$2" >/dev/null)
}
