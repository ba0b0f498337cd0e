# Draws who reaches whom. Input: lines `FROM TO FAMILY KIND OUTCOME`, or `FROM off`.
# Variables: places (rows), columns, colour (1 on a terminal).

function paint(code, text) { return colour ? "\033[" code "m" text "\033[0m" : text }

function cell(from, to, family,   i, kind, outcome, mark, drawn) {
  drawn = ""
  for (i = 1; i <= kinds; i++) {
    kind = kind_at[i]
    outcome = seen[from, to, family, kind]
    if (outcome == "reached") mark = paint(32, letter[kind])
    else if (outcome == "connected") mark = paint(33, "!")
    else if (outcome == "") mark = paint(33, "?")
    else mark = paint(31, "-")
    drawn = drawn mark
  }
  return drawn
}

BEGIN {
  kinds = split("tcp udp icmp dns http", kind_at, " ")
  split("T U P D H", letter_at, " ")
  for (i = 1; i <= kinds; i++) letter[kind_at[i]] = letter_at[i]
  row_count = split(places, row, " ")
  column_count = split(columns, column, " ")
}

$2 == "off" { off[$1] = 1; next }
{ seen[$1, $2, $3, $4] = $5 }

END {
  printf "%-10s", "from \\ to"
  for (c = 1; c <= column_count; c++) printf "%-13s", column[c]
  printf "\n%-10s", ""
  for (c = 1; c <= column_count; c++) printf "%-13s", "IPv4  IPv6"
  printf "\n"
  for (r = 1; r <= row_count; r++) {
    printf "%-10s", row[r]
    if (off[row[r]]) { print paint(33, "does not run"); continue }
    for (c = 1; c <= column_count; c++) {
      if (column[c] == row[r] || (row[r] == "internet" && column[c] == "far")) printf "%-13s", "     ."
      else printf "%s %s  ", cell(row[r], column[c], "v4"), cell(row[r], column[c], "v6")
    }
    printf "\n"
  }
  print "T tcp  U udp  P ping  D dns  H http;  - cut  ! handshake only;  far is behind the default route"
}
