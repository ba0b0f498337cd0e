#!/bin/sh
# Usage: docs.sh SOURCE. What the documentation promises about the tree: its links lead somewhere, its examples are the
# template's own lines, and every member of a schema is explained in the ABI reference.
set -eu

cd "$1"
bad=0

complain() {
  echo "$*"
  bad=$((bad + 1))
}

pages=$(find . -name '*.md' -not -path './.*' | sort)

# Links to files beside the page; what follows a # must be a heading of that page.
for page in $pages; do
  # A number that was to be filled in and was not.
  if grep -nE '@[A-Z][A-Z_]*@' "$page"; then
    complain "$page: the lines above hold a placeholder"
  fi
  folder=$(dirname "$page")
  links=$(grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//')
  for link in $links; do
    case $link in
    http://* | https://*) continue ;;
    esac
    file=${link%%#*}
    target=$folder/$file
    [ -n "$file" ] || target=$page
    if [ ! -e "$target" ]; then
      complain "$page: the link '$link' leads nowhere"
      continue
    fi
    case $link in
    *#*)
      wanted=${link#*#}
      grep -E '^#+ ' "$target" | sed 's/^#* //' | tr '[:upper:]' '[:lower:]' | tr -d '.,:()`' | tr ' ' '-' |
        grep -qxF "$wanted" || complain "$page: '$link' names no heading"
      ;;
    esac
  done
done

# Every program that is installed is told of among the programs.
programs=$(find core \( -name CMakeLists.txt -o -name "*.cmake" \) -exec sed -n 's/^ *cordon_program(\([a-z-]*\).*/\1/p' {} + | sort -u)
for program in $programs; do
  grep -q "^| .$program. |" docs/architecture.md || complain "docs/architecture.md: no row about the program $program"
done

# The C and the manifest of the vendor's page are the template's.
page=docs/writing-a-plugin.md
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" >"${TMPDIR:-/tmp}/cordon-docs.$$"
while IFS= read -r line; do
  grep -qxF -- "$line" plugins/template/isolate_acme.c || complain "$page: the template has no line '$line'"
done <"${TMPDIR:-/tmp}/cordon-docs.$$"
[ -s "${TMPDIR:-/tmp}/cordon-docs.$$" ] || complain "$page: has no example"
awk '/^```json$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page" |
  cmp -s - plugins/template/isolate_acme.json || complain "$page: its manifest is not the template's"
rm -f "${TMPDIR:-/tmp}/cordon-docs.$$"

# Members of the schemas: `"name": {` inside properties. Words of JSON Schema itself are no members.
for schema in config/schemas/*.json; do
  page=docs/plugin-abi.md
  case $schema in
  */cordond.schema.json) page=docs/admin.md ;;
  */console.schema.json) page=docs/console.md ;;
  */policy.schema.json) page=docs/policy.md ;;
  esac
  names=$(grep -o '"[a-z][a-z0-9_]*": *{' "$schema" | sed 's/^"//; s/".*//' | sort -u)
  for name in $names; do
    case $name in
    properties | items) continue ;;
    esac
    grep -qE "\`([a-z_]+\.|[a-z_]+\[\]\.)*$name\`" "$page" || complain "$page: does not explain '$name' of $schema"
  done
done

if [ "$bad" -gt 0 ]; then
  echo "$bad complaints"
  exit 1
fi
