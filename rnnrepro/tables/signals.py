"""Tasks whose targets are signals."""

from __future__ import annotations

from rnnrepro.tables.rows import Component

TASKS: dict[str, Component] = {
    "periodic": Component(
        path="rnnrepro.tasks.periodic:Periodic",
        arguments={"length": 200},
        about="a period of three sines in `length` steps, without any input",
    ),
    "interval": Component(
        path="rnnrepro.tasks.interval:Interval",
        arguments={
            "width": 15.0,
            "first": 50,
            "shortest": 30,
            "longest": 150,
            "tail": 60,
            "summed": False,
            "test_every": 10,
        },
        about="after two pulses a third, as late as the second was; `summed`: trials of a batch add up",
    ),
    "reach": Component(
        path="rnnrepro.tasks.reach:Reach",
        arguments={"move": 100, "hold": 100, "peak": 1.0, "carried": True},
        about="velocity of the reach that the input names, along the sides of a square; `carried`: so is the state",
    ),
    "reach_sequence": Component(
        path="rnnrepro.tasks.reach_sequence:ReachSequence",
        arguments={"move": 100, "hold": 100, "peak": 1.0, "order": [0, 1, 2, 3]},
        about="velocity of all reaches of `order` (0 to 3: right, up, left, down) in one trial, without any input",
    ),
    "reach_loop": Component(
        path="rnnrepro.tasks.reach_loop:ReachLoop",
        arguments={"move": 100, "hold": 100, "peak": 1.0, "order": [0, 1, 2, 3]},
        about="interactive: as reach_sequence, reach by reach, each asked for by an input that the network picks",
    ),
}
