#!/usr/bin/env bash
# Times the whole `tianyan search` of a scan, DM 0-1000, N times (default 3) and prints the medians.
# Usage: tests/bench/search_bench.sh SCAN [N]
#   TIANYAN=PROGRAM   what to time; build/release/tianyan if unset
#   THREADS=N         threads of the search; all of the machine's if unset
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
usage() { sed -n 's/^# \{0,1\}//; 2,5p' "$0" >&2; exit 2; }

(($# == 1 || $# == 2)) || usage
scan=$1
repeats=${2:-3}
[[ $repeats =~ ^[1-9][0-9]*$ ]] || usage
program=${TIANYAN:-$root/build/release/tianyan}
[[ -x $program ]] || { echo "search_bench: no program $program; build it or set TIANYAN" >&2; exit 2; }
[[ -e $scan ]] || { echo "search_bench: no scan $scan" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

median() { sort -n | awk '{v[NR] = $1} END {printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
column() { cut -d' ' -f"$1" "$scratch/times" | median; }

# Exit code 3 says that the scan has gaps or was cut short: it was searched all the same.
for ((i = 1; i <= repeats; ++i)); do
  code=0
  /usr/bin/time -q -a -o "$scratch/times" -f '%e %U %S %M' \
    "$program" search "$root/configs/fast_frb.toml" "$scan" -o "$scratch/run$i" \
    --set search.dm_max_pc_cm3=1000 --set limits.threads="${THREADS:-0}" --set output.plots=false \
    >"$scratch/log" 2>&1 || code=$?
  ((code == 0 || code == 3)) || { cat "$scratch/log" >&2; exit "$code"; }
  rm -rf "$scratch/run$i"
done
awk '{print $1, $2 + $3, $4 / 1e6}' "$scratch/times" >"$scratch/sums" && mv "$scratch/sums" "$scratch/times"

echo "runs              $repeats"
echo "wall, s           $(column 1)"
echo "CPU, s            $(column 2)"
echo "peak memory, GB   $(column 3)"
