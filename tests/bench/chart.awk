# Makes the chart of the README from RESULTS.md: awk -f chart.awk RESULTS.md >chart.svg. Some rows of the tables, a bar
# for each way to answer a message. The floor has no bar: it is no way to do the work.
BEGIN {
  FS = "[ ]*[|][ ]*"
  panel("Scripted broker, all", "messages/s", "QoS 1, window 256", "Messages a second, no broker in the way, 256 under way", "more is better")
  panel("Scripted broker, all", "CPU µs per message", "QoS 1, window 256", "Processor time of a message in the same run, µs", "less is better")
  panel("Through mosquitto, all", "messages/s", "QoS 1, window 256", "Messages a second, through mosquitto, 256 under way", "more is better")
  panel("Through mosquitto, all", "messages/s", "QoS 1, window 1", "Messages a second, through mosquitto, one at a time", "more is better")
  panel("Latency through mosquitto, QoS 1, all", "", "1000/s, p50, µs", "Median time to the answer, through mosquitto at 1,000 a second, µs", "less is better")
}

function panel(head, tail, row, title, better) {
  panels++
  heads[panels] = head; tails[panels] = tail; rows[panels] = row; titles[panels] = title " (" better ")"
}

# The tables of one core have a heading of their own: "all on one core".
/^### / { heading = substr($0, 5); is_head = 1; next }
/^\| \|/ && is_head { for (i = 3; i < NF; i++) column[i] = $i; columns = NF; is_head = 0; next }
/^\| / {
  for (p = 1; p <= panels; p++)
    if (index(heading, heads[p]) == 1 && heading !~ /one core/ && $2 == rows[p] &&
        (tails[p] == "" || substr(heading, length(heading) - length(tails[p]) + 1) == tails[p]))
      take(p)
}

function take(p,   i) {
  bars[p] = 0
  for (i = 3; i < columns; i++) {
    if (column[i] ~ /^(floor|hark \/)/)
      continue
    bars[p]++
    names[p, bars[p]] = column[i]
    values[p, bars[p]] = $i
  }
}

function thousands(v,   whole, out) {
  if (v !~ /^[0-9.]+$/)
    return v
  if (v < 1000)
    return v
  whole = sprintf("%d", v)
  while (length(whole) > 3) {
    out = "," substr(whole, length(whole) - 2) out
    whole = substr(whole, 1, length(whole) - 3)
  }
  return whole out
}

function largest(p,   i, most) {
  for (i = 1; i <= bars[p]; i++)
    if (values[p, i] + 0 > most)
      most = values[p, i] + 0
  return most
}

function bar(p, i, x, y,   width, class) {
  class = names[p, i] == "hark" ? "hark" : "peer"
  width = most[p] > 0 ? values[p, i] / most[p] * room : 0
  printf "<text class=\"name\" x=\"%d\" y=\"%d\">%s</text>\n", x + label - 8, y + 13, names[p, i]
  if (width > 0)
    printf "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"16\" rx=\"2\"/>\n", class, x + label, y, (width < 1 ? 1 : width)
  printf "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text>\n", x + label + width + 6, y + 13, thousands(values[p, i])
}

END {
  label = 200; room = 360; left = 10; line = 22; y = 10
  for (p = 1; p <= panels; p++) {
    if (!(p in bars)) {
      print "chart.awk: no row '" rows[p] "' below '" heads[p] "'" > "/dev/stderr"
      exit 1
    }
    most[p] = largest(p)
    height += 34 + bars[p] * line + 14
  }
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 680 %d\" width=\"680\" height=\"%d\" role=\"img\" " \
         "aria-label=\"hark beside other ways to answer MQTT messages\">\n", height + 10, height + 10
  print "<style>"
  print "text { font: 13px system-ui, sans-serif; fill: #24292f }"
  print ".title { font-weight: 600 } .name { text-anchor: end } .value { font-variant-numeric: tabular-nums }"
  print ".card { fill: #ffffff } .hark { fill: #0a7c5a } .peer { fill: #8b98a5 }"
  print "@media (prefers-color-scheme: dark) {"
  print "text { fill: #e6edf3 } .card { fill: #0d1117 } .hark { fill: #2fbf8f } .peer { fill: #6e7b88 }"
  print "}"
  print "</style>"
  # Whoever asks for the picture may not say which theme the page around it has.
  printf "<rect class=\"card\" width=\"680\" height=\"%d\" rx=\"6\"/>\n", height + 10
  for (p = 1; p <= panels; p++) {
    printf "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", left, y + 16, titles[p]
    y += 34
    for (i = 1; i <= bars[p]; i++) {
      bar(p, i, left, y)
      y += line
    }
    y += 14
  }
  print "</svg>"
}
