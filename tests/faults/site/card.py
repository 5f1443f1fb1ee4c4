"""Read by the processes of a trial: at step FAULTS_STEP of a stack the card fails, as FAULTS_CARD says.

`memory`: it runs out for more runs together than FAULTS_MOST. `lost`: it is gone, and with it the process' access.
No card is needed: the errors are those that PyTorch raises then.
"""

import os

import sitecustomize


def _error():
    import torch

    if os.environ["FAULTS_CARD"] == "memory":
        return torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of"
        )
    kind = getattr(torch, "AcceleratorError", RuntimeError)
    return kind("CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported")


def _failing(job):
    _before(job)
    fit, at, most = job.fit, int(os.environ["FAULTS_STEP"]), int(os.environ["FAULTS_MOST"])

    def fails(state, on_step, on_end):
        def step(now):
            stop = on_step(now)
            if now.step >= at and len(now.names) > most:
                raise _error()
            return stop

        return fit(state, on_step=step, on_end=on_end)

    job.fit = fails


_before = sitecustomize.AFTER["rnnrepro.training.job"]
sitecustomize.AFTER["rnnrepro.training.job"] = _failing
