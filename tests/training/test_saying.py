"""A training goes on when its log is full; only what it says is lost."""

from __future__ import annotations

import subprocess
import sys

from rnnrepro.training import saying

SAYS = "from rnnrepro.training import saying\nsaying.say('a line')\nsaying.say('another')\nprint('went on')"


def test_a_full_log_ends_nothing():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", SAYS], stderr=full, stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (0, b"went on\n")


def test_a_line_reaches_a_log_with_room(capfd):
    saying.say("a line")
    assert capfd.readouterr().err == "a line\n"
