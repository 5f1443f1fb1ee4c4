"""`python -m rnnrepro`."""

from __future__ import annotations

import signal
import sys

# An interrupt while modules load ends the process as it does any other; one that comes later is said (cli.main).
if python_minds := signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from rnnrepro.cli import main

if python_minds:
    signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
