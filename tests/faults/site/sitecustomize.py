"""Loaded by every Python of a pipeline under test: writes down what is put in place, and interferes where asked.

Nothing of the product is changed on disk. What is done here is named in the environment:
FAULTS_SESSION  folder of the session: `pins.json` in it has the size and checksum of each file of the small data set
FAULTS_TRACE    file to which a line is appended for each file put in place and each stack of runs that is begun
FAULTS_AT       JSON of a point at which to interfere (see `point.py`)
FAULTS_SITE     further Python files to run now, between colons
"""

import _signal  # of the interpreter itself, and so there at once

# This file lengthens the start of Python, during which an interrupt ends it with a traceback of its own.
_MINDED = _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

import importlib.abc
import importlib.machinery
import json
import os
import runpy
import sys

CHECKPOINT_SECONDS = 0.05


def trace(*words):
    """Append a line to the trace, in one write, so that the lines of several processes stay whole."""
    if place := os.environ.get("FAULTS_TRACE"):
        line = "\t".join([str(os.getpid()), *map(str, words)]) + "\n"
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(handle, line.encode())
        os.close(handle)


def _small_images(registry):
    """In place of MNIST's files, those that the session has made."""
    from dataclasses import replace

    with open(os.path.join(os.environ["FAULTS_SESSION"], "pins.json"), encoding="utf-8") as stream:
        said = json.load(stream)
    files = tuple(registry.File(url="https://nowhere.invalid/" + f["name"], **f) for f in said["files"])
    row = replace(registry.DATASETS["mnist"], files=files, sizes=said["sizes"], side=said["side"])
    registry.DATASETS["mnist"] = row


def _frequent_checkpoints(job):
    """A checkpoint every few steps, and the beginning of each stack in the trace."""
    job.CHECKPOINT_SECONDS = CHECKPOINT_SECONDS
    begin, restore = job.begin, job.TrainState.restore

    def begun(settings, names, **rest):
        trace("begun", *names)
        return begin(settings, names, **rest)

    def restored(self, runs):
        restore(self, runs)
        trace("restored", self.step, *self.names)

    job.begin, job.TrainState.restore = begun, restored


AFTER = {"rnnrepro.datasets.registry": _small_images, "rnnrepro.training.job": _frequent_checkpoints}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of `AFTER` as usual, and lets the function there change them once they are loaded."""

    def find_spec(self, name, path=None, target=None):
        if name not in AFTER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                AFTER[name](module)

            spec.loader.exec_module = exec_module
        return spec


def _traced(function):
    def replace(source, target, **rest):
        function(source, target, **rest)
        trace("placed", os.path.abspath(os.fsdecode(target)))

    return replace


if "FAULTS_SESSION" in os.environ:
    sys.meta_path.insert(0, _Finder())
    os.replace = _traced(os.replace)
    if "FAULTS_AT" in os.environ:
        import point

        point.arm(json.loads(os.environ["FAULTS_AT"]), trace)
    for extra in filter(None, os.environ.get("FAULTS_SITE", "").split(os.pathsep)):
        runpy.run_path(extra)

_signal.signal(_signal.SIGINT, _MINDED)
