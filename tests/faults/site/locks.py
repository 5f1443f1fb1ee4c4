"""Read by the processes of a trial: below the folder FAULTS_UNLOCKED no file can be locked (error FAULTS_ERRNO)."""

import fcntl
import os

_flock, _folder, _number = fcntl.flock, os.environ["FAULTS_UNLOCKED"], int(os.environ["FAULTS_ERRNO"])


def _refused(handle, operation):
    number = handle if isinstance(handle, int) else handle.fileno()
    if os.readlink(f"/proc/self/fd/{number}").startswith(_folder):
        raise OSError(_number, os.strerror(_number))
    _flock(handle, operation)


fcntl.flock = _refused
