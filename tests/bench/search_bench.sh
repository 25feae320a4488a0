#!/usr/bin/env bash
# Times the whole `tianyan search` of a scan N times (default 3) and prints the medians.
# Usage: tests/bench/search_bench.sh SCAN [N]
#   TIANYAN=PROGRAM   what to time; build/release/tianyan if unset
#   THREADS=N         threads of the search; all of the machine's if unset
#   DM_MAX=DM         highest DM, pc/cm3; 1000 if unset, "config" for that of configs/fast_frb.toml
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
usage() { sed -n 's/^# \{0,1\}//; 2,6p' "$0" >&2; exit 2; }

(($# == 1 || $# == 2)) || usage
scan=$1
repeats=${2:-3}
[[ $repeats =~ ^[1-9][0-9]*$ ]] || usage
program=${TIANYAN:-$root/build/release/tianyan}
dm_max=${DM_MAX:-1000}
[[ $dm_max == config || $dm_max =~ ^[0-9]+([.][0-9]+)?$ ]] || usage
[[ -x $program ]] || { echo "search_bench: no program $program; build it or set TIANYAN" >&2; exit 2; }
[[ -e $scan ]] || { echo "search_bench: no scan $scan" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

settings=(--set output.plots=false --set limits.threads="${THREADS:-0}")
[[ $dm_max == config ]] || settings+=(--set search.dm_max_pc_cm3="$dm_max")

median() { sort -n | awk '{v[NR] = $1} END {printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
column() { cut -d' ' -f"$1" "$scratch/times" | median; }
# A number of the report itself, not of one of its beams.
report() { sed -n 's/^ "'"$1"'": \([-+.0-9e]*\),\{0,1\}$/\1/p' "$scratch/report.json"; }

# "WALL USER SYSTEM KILOBYTES" of a command into times; bash's own clock knows no memory.
timed() {
  if [[ -x /usr/bin/time ]] && /usr/bin/time -q -f %M -o /dev/null true 2>/dev/null; then
    /usr/bin/time -q -a -o "$scratch/times" -f '%e %U %S %M' "$@" >"$scratch/log" 2>&1
  else
    local TIMEFORMAT='%R %U %S 0' code=0
    { time "$@" >"$scratch/log" 2>&1 || code=$?; } 2>>"$scratch/times"
    return "$code"
  fi
}

# Exit code 3 says that the scan has gaps or was cut short: it was searched all the same.
for ((i = 1; i <= repeats; ++i)); do
  code=0
  timed "$program" search "$root/configs/fast_frb.toml" "$scan" -o "$scratch/run" "${settings[@]}" || code=$?
  ((code == 0 || code == 3)) || { cat "$scratch/log" >&2; exit "$code"; }
  cp "$scratch/run/report.json" "$scratch"
  printf '%s %s\n' "$(report seconds)" "$(report real_time_factor)" >>"$scratch/reports"
  rm -rf "$scratch/run"
done
# Wall, CPU, memory in GB, seconds of data in a second of the whole run and of its search alone.
paste -d' ' "$scratch/times" "$scratch/reports" |
  awk '{print $1, $2 + $3, $4 / 1e6, $5 * $6 / $1, $6}' >"$scratch/sums" && mv "$scratch/sums" "$scratch/times"

echo "runs              $repeats"
echo "threads           $(report threads)"
echo "beams at once     $(report beams_at_once)"
echo "wall, s           $(column 1)"
echo "CPU, s            $(column 2)"
echo "peak memory, GB   $(column 3)"
echo "x real time       $(column 4)"
echo "  of the search   $(column 5)"
