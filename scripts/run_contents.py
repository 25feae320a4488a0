"""What a run directory holds, without what depends on how long it took: runs that must be equal are compared by it."""
import json
import re

# Seconds, memory, threads and devices are those of the run at hand.
TIMES = re.compile(r'"(seconds|real_time_factor|threads|memory_bytes|beams_at_once|backend|devices|why_host)":\s*'
                   r'("(?:[^"\\]|\\.)*"|[^,}\]\s]*)')


def contents(run):
    """Of every file below `run`, a path."""
    found = {}
    for path in sorted(run.rglob("*")):
        name = str(path.relative_to(run))
        if not path.is_file() or name in (".lock", ".finish.lock", "report.html") or name.startswith("slurm/"):
            continue
        data = path.read_bytes()
        if name.startswith("ledger/M") and "/" in name[len("ledger/"):] and name.endswith(".json"):
            data = json.loads(data)["unit"].encode()
        if name.endswith(".json"):
            data = TIMES.sub("", data.decode()).encode()
        found[name] = data
    return found


def differences(run, expected):
    """Names of files that `run` has otherwise than `expected`, the contents of another, or lacks, or has beside."""
    found = contents(run)
    return sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
