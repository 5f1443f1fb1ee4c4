"""What the suite needs of the machine: root, Debian's packages of SLURM, and a place for its configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnrepro.errors import Fault

# {Debian's package: a program of it}
PACKAGES = {
    "slurmctld": "slurmctld",
    "slurmd": "slurmd",
    "slurm-client": "sbatch",
    "munge": "munged",
    "slurmdbd": "slurmdbd",
    "mariadb-server": "mariadbd",
    "iproute2": "ip",
}
# Where SLURM looks when SLURM_CONF is not set, which Snakemake's job steps unset.
ETC = Path("/etc/slurm")
# Debian's daemons lie here, and not every user's PATH has it.
SBIN = "/usr/sbin"
POLICY = Path(SBIN, "policy-rc.d")


def programs_missing() -> list[str]:
    """The packages of which the program is not there."""
    path = os.pathsep.join([os.environ.get("PATH", ""), SBIN])
    return [package for package, program in PACKAGES.items() if shutil.which(program, path=path) is None]


def provide() -> None:
    """Have all that is needed, installing packages if need be. Raises Fault naming what is missing and the mend."""
    if not sys.platform.startswith("linux"):
        raise Fault("SLURM's daemons need Linux: run this in a container of Debian, as root")
    if missing := programs_missing():
        _install(missing)
    if os.geteuid() != 0:
        raise Fault("SLURM's daemons need root: run this as root, for example in a container of Debian")
    if not namespaces():
        refuse_a_real_site()


def namespaces() -> bool:
    """Whether this process may have mounts, network and processes of its own."""
    program = shutil.which("unshare")
    command = [program, *UNSHARE, "ip", "link", "set", "lo", "up"] if program else ["false"]
    try:
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# A network and a table of mounts of its own, so that no other SLURM on the machine is met, and a table of processes
# of its own, so that nothing of it outlives the suite.
UNSHARE = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]


def refuse_a_real_site(etc: Path = ETC) -> None:
    """Raise Fault where a SLURM configuration stands that the suite has not put there."""
    for name in ("slurm.conf", "slurmdbd.conf", "gres.conf", "cgroup.conf"):
        place = etc / name
        if place.is_symlink() and not place.exists() and "rnnrepro-slurm-" in os.readlink(place):
            place.unlink()  # of a suite that was killed
        elif place.exists() or place.is_symlink():
            raise Fault(
                f"{place} belongs to a real cluster, and this machine allows no namespace in which to hide"
                " it: run this on another machine, or in a container that may use `unshare --mount`"
            )


def _install(missing: list[str]) -> None:
    names = " ".join(missing)
    mend = f"install them with: apt-get install {names}"
    if shutil.which("apt-get") is None:
        raise Fault(f"Debian's packages {names} are missing, and there is no apt-get: run this on Debian")
    if os.geteuid() != 0:
        raise Fault(f"Debian's packages {names} are missing, and only root may install them: {mend}")
    with _no_service_started():
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
            command = ["apt-get", *words]
            done = subprocess.run(
                command,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
    if done.returncode != 0 or programs_missing():
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise Fault(f"Debian's packages {names} are missing, and cannot be installed ({last}): {mend}")


@contextmanager
def _no_service_started() -> Iterator[None]:
    """Debian starts what it installs; not here."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
