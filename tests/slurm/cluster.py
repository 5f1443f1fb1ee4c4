"""A SLURM of one node on loopback: its daemons are children of this process, its state lies in one folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rnnrepro.errors import Fault

from . import settings
from .needs import ETC, SBIN, refuse_a_real_site

SECONDS_TO_COME_UP = 300
SECONDS_TO_ANSWER = 300


class Cluster:
    """Started on entry; on leaving, all that it started is stopped and all that it wrote is removed.

    Parameters: accounting: with slurmdbd and a MariaDB of its own, for `sacct`.
    Raises Fault where the machine's SLURM configuration is another's, or where a daemon does not come up.
    """

    def __init__(self, *, accounting: bool = False, etc: Path = ETC) -> None:
        self.accounting, self.etc = accounting, etc
        self.home = Path()
        self.daemons: dict[str, subprocess.Popen] = {}
        self.links: list[Path] = []

    def __enter__(self) -> Cluster:
        refuse_a_real_site(self.etc)
        os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], SBIN])
        self.home = Path(tempfile.mkdtemp(prefix="rnnrepro-slurm-"))
        for name in ("run", "log", "state", "spool", "keep"):
            (self.home / name).mkdir()
        try:
            settings.write(self.home, accounting=self.accounting)
            self._link()
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if "slurmctld" in self.daemons:
            for options in ([], ["--signal=KILL"]):  # the second for jobs that would save something first
                self.do("scancel", *options, "--user=root", check=False)
            self.wait(lambda: not self.do("squeue", "-h", check=False), "its jobs to end", 20, strict=False)
        for name in reversed(list(self.daemons)):
            self.stop(name)
        for link in self.links:
            link.unlink(missing_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def _link(self) -> None:
        self.etc.mkdir(parents=True, exist_ok=True)
        for file in sorted((self.home / "etc").iterdir()):
            link = self.etc / file.name
            link.symlink_to(file)
            self.links.append(link)

    def _start_all(self) -> None:
        self._start_munge()
        if self.accounting:
            self._start_accounting()
        self.start_controller()
        self.start("slurmd", ["slurmd", "-D", "-N", settings.NODE])
        self.wait(lambda: self.do("sinfo", "-h", "-o", "%T", "-p", "cpu", check=False) == "idle", "the node")

    def _start_munge(self) -> None:
        key, socket = self.home / "keep" / "munge.key", self.home / "munge.socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self.home.chmod(0o755)
        files = {"key": key, "pid": self.home / "run" / "munged.pid", "log": self.home / "log" / "munged.log"}
        options = [f"--{name}-file={place}" for name, place in files.items()]
        seed = f"--seed-file={self.home / 'keep' / 'munge.seed'}"
        self.start("munged", ["munged", "--foreground", "--force", f"--socket={socket}", seed, *options])
        self.wait(socket.exists, "munged")

    def _start_accounting(self) -> None:
        data, socket = self.home / "database", self.home / "run" / "mariadb.sock"
        install = [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--skip-test-db",
        ]
        self.do(*install, "--auth-root-authentication-method=socket")
        serve = ["mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", "--bind-address=127.0.0.1"]
        size = ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        place = [
            f"--port={settings.DATABASE_PORT}",
            f"--socket={socket}",
            f"--pid-file={self.home}/run/db.pid",
        ]
        self.start("mariadbd", [*serve, *size, *place])
        self.wait(socket.exists, "MariaDB")
        grant = [
            f"CREATE USER slurm@'{host}'; GRANT ALL ON slurm_acct_db.* TO slurm@'{host}';"
            for host in ("127.0.0.1", "localhost")
        ]
        sql = " ".join(["CREATE DATABASE slurm_acct_db;", *grant])
        self.do("mariadb", "--no-defaults", "-S", str(socket), "-e", sql)
        self.start("slurmdbd", ["slurmdbd", "-D"])
        self.wait(lambda: self._answers("sacctmgr", "-n", "list", "cluster"), "slurmdbd")
        self.do("sacctmgr", "-i", "add", "cluster", settings.CLUSTER)
        self.do("sacctmgr", "-i", "add", "account", "lab", f"Cluster={settings.CLUSTER}")
        self.do("sacctmgr", "-i", "add", "user", "root", "Account=lab", f"Cluster={settings.CLUSTER}")

    def start(self, name: str, command: list[str]) -> None:
        """Start a daemon in the foreground of a session of its own."""
        with open(self.home / "log" / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def stop(self, name: str, number: int = signal.SIGTERM) -> None:
        """Stop a daemon, at last with SIGKILL."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def start_controller(self) -> None:
        """Start slurmctld, which goes on with the state that an earlier one left, and wait until it answers."""
        self.start("slurmctld", ["slurmctld", "-D"])
        self.wait(lambda: self._answers("scontrol", "ping"), "slurmctld")

    def do(self, *command: str, check: bool = True) -> str:
        """What a command says, stripped. Raises Fault if it fails, unless told not to check."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER)
        if check and done.returncode != 0:
            raise Fault(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()}")
        return done.stdout.strip()

    def _answers(self, *command: str) -> bool:
        return subprocess.run(command, capture_output=True, timeout=SECONDS_TO_ANSWER).returncode == 0

    def wait(
        self,
        until: Callable[[], bool],
        what: str,
        seconds: float = SECONDS_TO_COME_UP,
        strict: bool = True,
    ) -> None:
        """Wait until it is so. Raises Fault with the ends of the logs after so many seconds, if strict."""
        end = time.monotonic() + seconds
        while not until():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > end:
                if not strict:
                    return
                reason = f"{', '.join(dead)} ended" if dead else f"not within {seconds:g} s"
                raise Fault(f"waiting for {what}: {reason}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self) -> str:
        """The last lines of every daemon's log."""
        places = sorted((self.home / "log").glob("*.log"))
        found = [(place, place.read_text(errors="replace")) for place in places]
        return "\n".join(f"== {p.name}\n" + "\n".join(t.splitlines()[-8:]) for p, t in found if t.strip())
