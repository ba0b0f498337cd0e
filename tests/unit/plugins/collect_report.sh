#!/bin/sh
# Usage: collect_report.sh DUMP. LibreOffice opens the report of a package, and finds as many items in it as the manifest has.
set -eu
command -v soffice >/dev/null || {
  echo 'skipped: LibreOffice is not installed'
  exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/package" "$folder/out"
"$1" "$folder/package" standard >"$folder/log" || {
  cat "$folder/log"
  exit 1
}
# 44: comma, 34: quotes, 76: UTF-8; the last but one writes a file for each sheet.
HOME=$folder soffice -env:UserInstallation="file://$folder/profile" --headless \
  --convert-to 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1' \
  --outdir "$folder/out" "$folder/package/CollectionSummaryReport.xls" >"$folder/log" 2>&1 || {
  cat "$folder/log"
  exit 1
}
# Each item but the report itself, and the header.
items=$(grep -c '^{"name":' "$folder/package/manifest.json")
rows=$(wc -l <"$folder/out/CollectionSummaryReport-Items.csv")
[ "$rows" = "$items" ] || {
  echo "LibreOffice finds $rows rows, header included, for $items items, the report included"
  exit 1
}
grep -q '^Device,this machine$' "$folder/out/CollectionSummaryReport-Summary.csv"
