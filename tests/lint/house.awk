# Size rules: no file over 500 lines, no function over 60. A function's brace stands alone in the first column.
FNR == 1 { begin = 0 }
/^\{$/ { begin = FNR }
/^\}/ && begin {
  lines = FNR - begin - 1
  if (lines > 60)
    complain(begin, "a function of " lines " lines: 60 are the most")
  begin = 0
}
FNR == 501 { complain(FNR, "the file has more than 500 lines") }
END { exit failed }

function complain(line, text) {
  print FILENAME ":" line ": " text
  failed = 1
}
