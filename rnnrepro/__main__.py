"""`python -m rnnrepro`."""

from __future__ import annotations

import sys

from rnnrepro.cli import main

sys.exit(main())
