"""`python -m tests.slurm`: the pipeline on a SLURM of one node that this starts and stops; `--check` only looks."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rnnrepro.errors import Fault

from .needs import ETC, SBIN, UNSHARE, namespaces, provide

ROOT = Path(__file__).parents[2]
INSIDE = "--inside"
# The C library looks up addresses only where one is not the loopback's own.
ADDRESS = "10.255.255.254/32"


def main(arguments: list[str]) -> int:
    """Run the suite (further arguments go to pytest); 1 where it cannot run or has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.slurm", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say what is missing, if anything")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args(arguments)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), SBIN])
    try:
        if options.inside:
            return inside(rest)
        provide()
    except Fault as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    return 0 if options.check else outside(rest)


def outside(rest: list[str]) -> int:
    """Run the suite in namespaces of its own, where they can be had; nothing of it is left behind."""
    with tempfile.TemporaryDirectory(prefix="rnnrepro-slurm-", ignore_cleanup_errors=True) as home:
        command = [sys.executable, "-m", "tests.slurm", INSIDE, *rest]
        if namespaces():
            command = ["unshare", *UNSHARE, *command]
        else:
            print("No namespaces here: the configuration is linked from /etc/slurm while the suite runs.")
            command = pytest(rest)
        environment = {**os.environ, "TMPDIR": home, "OMP_NUM_THREADS": "1"}
        try:
            return subprocess.run(command, cwd=ROOT, env=environment).returncode
        except KeyboardInterrupt:
            return 130


def inside(rest: list[str]) -> int:
    """As the first process of the namespaces: hide the machine's SLURM, run pytest, and bury its orphans."""
    ETC.mkdir(parents=True, exist_ok=True)
    for words in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", ADDRESS, "dev", "lo"],
        ["mount", "-t", "tmpfs", "none", str(ETC)],
    ):
        subprocess.run(words, check=True)
    process = subprocess.Popen(pytest(rest), cwd=ROOT)
    while True:
        try:
            ended, status = os.wait()
        except KeyboardInterrupt:
            continue  # pytest has had it too, and stops the cluster
        if ended == process.pid:
            return os.waitstatus_to_exitcode(status)


def pytest(rest: list[str]) -> list[str]:
    """The command that runs the scenarios."""
    options = ["-m", "slurm", "-v", "--tb=short", "-p", "no:cacheprovider"]
    return [sys.executable, "-m", "pytest", *options, "tests/slurm", *rest]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
