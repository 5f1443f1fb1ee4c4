"""Tasks, optimisers with their schedules, and analyses."""

from __future__ import annotations

from rnnrepro.tables import signals
from rnnrepro.tables.rows import Analysis, Component

TASKS: dict[str, Component] = {
    "copying": Component(
        path="rnnrepro.tasks.copying:Copying",
        arguments={
            "symbols": 10,
            "alphabet": 8,
            "blanks_before_cue": 99,
            "blanks_after_cue": 10,
            "pool": None,
            "reshuffle": False,
            "test": 1000,
        },
        about="recall `symbols` symbols after a cue; input one-hot; `pool` None = fresh data each step",
    ),
    "adding": Component(
        path="rnnrepro.tasks.adding:Adding",
        arguments={
            "length": 100,
            "marks": "halves",
            "marks_first": False,
            "pool": None,
            "reshuffle": True,
            "test": 1000,
        },
        about="sum of the two marked numbers, read at the last step",
    ),
    "pixels": Component(
        path="rnnrepro.tasks.pixels:Pixels",
        arguments={
            "images": "digits",
            "pool_size": 1,
            "permutation": None,
            "split": "validation_last",
            "train": None,
            "validation": 0,
            "test": None,
            "reshuffle": True,
        },
        about="images read one pixel a step, class at the last step; `permutation`: seed of their order, or per_seed",
    ),
    "characters": Component(
        path="rnnrepro.tasks.characters:Characters",
        arguments={
            "text": "ptb_char",
            "length": 150,
            "evaluation_batch": 10,
            "test_batch": None,
            "vary_length": False,
            "train": None,
            "validation": None,
            "test": None,
        },
        about="next character of contiguous streams, state carried and detached; `vary_length`: windows drawn anew",
    ),
    "words": Component(
        path="rnnrepro.tasks.words:Words",
        arguments={
            "text": "ptb_word",
            "length": 70,
            "evaluation_batch": 10,
            "test_batch": None,
            "vary_length": False,
            "train": None,
            "validation": None,
            "test": None,
        },
        about="as characters, word by word",
    ),
    "speech": Component(
        path="rnnrepro.tasks.speech:Speech",
        arguments={
            "corpus": "fsdd",
            "alignment": "prediction",
            "average": "valid",
            "drop_sa": "substring",
            "rate": 8000,
            "window": 256,
            "hop": 128,
            "frames": None,
            "train": None,
            "dev": None,
            "core": None,
        },
        about="log-magnitude spectra of speech, frame by frame; `alignment`: prediction, padded or recall",
    ),
    "activity": Component(
        path="rnnrepro.tasks.activity:Activity",
        arguments={
            "signals": "uci_har",
            "classes": 2,
            "fraction": 1.0,
            "validation": 0.0,
            "loss": "squared_error",
        },
        about="what a person does, by a phone's motion; `classes`: 2 or 6; `fraction` of the windows to learn from",
    ),
    **signals.TASKS,
}

OPTIMISERS: dict[str, Component] = {
    "sgd": Component(path="rnnrepro.optim.forms:SGD", arguments={"momentum": 0.0, "weight_decay": 0.0}),
    "adam_torch": Component(
        path="rnnrepro.optim.forms:AdamTorch",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "adam_tf": Component(
        path="rnnrepro.optim.forms:AdamTF",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "adam_keras": Component(
        path="rnnrepro.optim.forms:AdamKeras",
        arguments={"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
    "rmsprop_torch": Component(
        path="rnnrepro.optim.forms:RMSPropTorch",
        arguments={"decay": 0.99, "epsilon": 1e-8, "weight_decay": 0.0},
    ),
    "rmsprop_tf": Component(
        path="rnnrepro.optim.forms:RMSPropTF",
        arguments={"decay": 0.9, "epsilon": 1e-10, "initial_square": 1.0, "weight_decay": 0.0},
    ),
    "rmsprop_keras": Component(
        path="rnnrepro.optim.forms:RMSPropKeras",
        arguments={"decay": 0.9, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
    "adagrad_torch": Component(
        path="rnnrepro.optim.forms:AdagradTorch",
        arguments={"initial_accumulator": 0.0, "epsilon": 1e-10, "weight_decay": 0.0},
    ),
    "adagrad_tf": Component(
        path="rnnrepro.optim.forms:AdagradTF",
        arguments={"initial_accumulator": 0.1, "weight_decay": 0.0},
    ),
    "adagrad_keras": Component(
        path="rnnrepro.optim.forms:AdagradKeras",
        arguments={"initial_accumulator": 0.1, "epsilon": 1e-7, "weight_decay": 0.0},
    ),
}

SCHEDULES: dict[str, Component] = {
    "constant": Component(path="rnnrepro.optim.schedules:constant", about="factor 1"),
    "halve_on_plateau": Component(
        path="rnnrepro.optim.schedules:halve_on_plateau",
        about="halved after each evaluation without a new best validation loss (nnRNN, Penn Treebank)",
    ),
    "drop": Component(
        path="rnnrepro.optim.schedules:drop",
        arguments={"milestones": [], "drop_factor": 10.0},
        about="divided by `drop_factor` once so many epochs are done as each of the `milestones` says",
    ),
}

ANALYSES: dict[str, Analysis] = {
    "schur_form": Analysis(
        path="rnnrepro.analysis.matrices:schur_form",
        about="entries, rotations and sub-diagonal profile of a learned Schur form",
    ),
    "spectrum": Analysis(
        path="rnnrepro.analysis.matrices:spectrum", about="eigenvalues of the recurrent matrix and its blocks"
    ),
    "nonnormality": Analysis(
        path="rnnrepro.analysis.matrices:nonnormality", about="how far the recurrent matrix is from normal"
    ),
    "gradient_flow": Analysis(
        path="rnnrepro.analysis.trajectories:gradient_flow", about="norm of the loss gradient at each state"
    ),
    "gradient_history": Analysis(
        path="rnnrepro.analysis.trajectories:gradient_flow",
        about="gradient_flow at each evaluation, in its place; a scan for each time step every time",
        at="evaluations",
    ),
    "gradient_start": Analysis(
        path="rnnrepro.analysis.trajectories:gradient_start",
        about="norm of the loss gradient at the initial state alone",
        at="evaluations",
    ),
    "spectral_radius": Analysis(
        path="rnnrepro.analysis.matrices:spectral_radius",
        about="spectral radius of a short-term matrix before normalisation, and whether that has begun",
        at="evaluations",
    ),
    "forgetting": Analysis(
        path="rnnrepro.analysis.trajectories:forgetting",
        about="how long one changed input stays in the state",
    ),
    "hidden_chain": Analysis(
        path="rnnrepro.analysis.hidden_chain:hidden_chain",
        about="mean recurrent weight by the order in which the units answer a pulse",
    ),
    "modrelu_gain": Analysis(
        path="rnnrepro.analysis.gains:modrelu_gain",
        about="largest derivative of the units (modReLU, say) at each step of real sequences",
    ),
    "descent_spectrum": Analysis(
        path="rnnrepro.analysis.descent:descent_spectrum",
        about="singular values of the Jacobians of SBO-RNN's steps along sequences, their bounds, ‖W‖ and momentum",
    ),
    "alignment": Analysis(
        path="rnnrepro.analysis.learning:alignment",
        about="cosine of the read-out and the feedback that errors come back by",
        at="evaluations",
    ),
    "credit_angle": Analysis(
        path="rnnrepro.analysis.learning:credit_angle",
        about="cosine of the learning rule's increment of W and the gradient's, and what that does to the loss",
        at="evaluations",
    ),
    "weight_change": Analysis(
        path="rnnrepro.analysis.learning:weight_change",
        about="W before and after training, for the singular values of their difference",
    ),
    "outputs": Analysis(
        path="rnnrepro.analysis.answers:outputs",
        about="outputs and targets of the trials that are judged, where targets are signals",
    ),
    "peak_times": Analysis(
        path="rnnrepro.analysis.answers:peak_times",
        about="when the output peaks after the second of two pulses, by their delay",
    ),
}
