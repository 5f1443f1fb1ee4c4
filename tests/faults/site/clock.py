"""Read by the processes of a trial: the clock on the wall steps once, FAULTS_STEP seconds after so many calls."""

import os
import random
import time

_step, _left, _plain = (
    float(os.environ["FAULTS_STEP"]),
    [random.Random(os.getpid()).randrange(200)],
    time.time,
)


def _shifted():
    _left[0] -= 1
    return _plain() + (_step if _left[0] < 0 else 0.0)


time.time = _shifted
time.time_ns = lambda: int(_shifted() * 1e9)
