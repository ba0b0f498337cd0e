# Reads tables of fault_matrix.sh and counts, as Markdown: for each condition how many cases of each operation ended well, of
# how many, and how many processes died on the way.
BEGIN { FS = " *[|] *" }
NF == 8 && $8 ~ /^(good|WRONG)/ {
  operation = $1; process = $2; condition = $3
  sub(/[.=].*/, "", process)
  if (!(condition in cases)) conditions[++rows] = condition
  cases[condition]++
  if (!(operation in seen)) { seen[operation] = 1; operations[++columns] = operation }
  asked[condition, operation]++
  if ($8 ~ /^good/) good[condition, operation]++
  if ($4 != "nowhere") died[condition]++
  total++
  if ($8 !~ /^good/) wrong++
}
END {
  line = "| condition |"; rule = "| --- |"
  for (j = 1; j <= columns; j++) { line = line " " operations[j] " |"; rule = rule " --- |" }
  print line " died |"; print rule " --- |"
  for (i = 1; i <= rows; i++) {
    line = "| " conditions[i] " |"
    for (j = 1; j <= columns; j++)
      line = line " " good[conditions[i], operations[j]] + 0 " of " asked[conditions[i], operations[j]] + 0 " |"
    print line " " died[conditions[i]] + 0 " |"
  }
  printf "\n%d cases, %d wrong.\n", total, wrong
}
