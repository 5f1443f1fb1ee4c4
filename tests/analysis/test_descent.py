"""The steepness along sequences of networks against the Jacobian that autograd finds through their scan."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnrepro.analysis import descent

ETA, ALPHA = 0.1, 0.8


def network(make, name: str, task, seeds: list[int], **arguments):
    return make.network(name, task, seeds, hidden=6, update={"eta": ETA, "alpha": ALPHA}, **arguments)


@pytest.mark.parametrize("name", ["sbo_sgd", "sbo_sgd_sparse"])
def test_the_singular_values_are_those_of_autograds_jacobian_of_every_step(make, name) -> None:
    task = make.adding([0, 1])
    net = network(make, name, task, [0, 1])
    with torch.no_grad():
        for parameter in net.recurrence.matrix.parameters():
            parameter += 0.4
    found = descent.descent_spectrum(net, task)
    x = task.batch(0).inputs.double()[:, :, :2]
    time = x.shape[1]
    assert found["descent_smallest"].shape == found["descent_largest"].shape == (2, time)
    layer, h = net.recurrence, net.hidden(x)[0].detach()
    for run in range(2):
        for t in range(time):
            values = []
            for b in range(2):
                before = h[run, t - 1, b] if t else torch.zeros(6, dtype=torch.float64)

                def step(state, run=run, t=t, b=b):
                    rows = torch.zeros(2, 2, 6, dtype=torch.float64).index_put(
                        (torch.tensor(run), torch.tensor(b)), state
                    )
                    return layer(x[:, t : t + 1], (rows,))[0][run, 0, b]

                values.append(torch.linalg.svdvals(torch.autograd.functional.jacobian(step, before)))
            lowest, highest = min(v[-1] for v in values), max(v[0] for v in values)
            np.testing.assert_allclose(found["descent_smallest"][run, t], lowest, rtol=1e-10)
            np.testing.assert_allclose(found["descent_largest"][run, t], highest, rtol=1e-10)
    W = net.build()[0].detach().numpy()
    bound = [max(0.0, 1 - ETA * (ALPHA + np.linalg.norm(w, 2)) ** 2) for w in W]
    np.testing.assert_allclose(found["descent_bound"][:, 0], bound, rtol=1e-12)
    assert (found["descent_smallest"] >= found["descent_bound"]).all()


@pytest.mark.parametrize("name", ["sbo_shb", "sbo_snag_sparse"])
def test_a_run_is_measured_alone_as_in_a_stack(make, name) -> None:
    seeds = [3, 4, 5]
    task = make.adding(seeds)
    stacked = descent.descent_spectrum(network(make, name, task, seeds).float(), task)
    for run, seed in enumerate(seeds):
        task = make.adding([seed])
        alone = descent.descent_spectrum(network(make, name, task, [seed]).float(), task)
        assert alone.keys() == stacked.keys()
        for metric, values in alone.items():
            np.testing.assert_array_equal(values[0], stacked[metric][run])


def test_symbols_are_measured_as_their_rows_of_the_embedding(make) -> None:
    task = make.copying([0])
    net = network(make, "sbo_snag", task, [0], embedding={"size": 3})
    found = descent.descent_spectrum(net, task)
    symbols = task.batch(0).inputs[:, :, : descent.SEQUENCES]
    rows = net.embedding[0].detach()[symbols[0]]
    layer = net.recurrence
    h, W = layer(rows[None])[0].detach()[0].numpy(), net.build()[0][0].detach().numpy()
    z = (rows @ layer.drive.weight[0] + layer.drive.bias[0]).detach().numpy()
    on = np.concatenate((np.zeros_like(h[:1]), h[:-1])) @ W + z > 0
    assert 0.1 < on.mean() < 0.9
    for t in range(len(on)):
        M = [ALPHA * np.eye(6) - W @ np.diag(active) for active in on[t]]
        values = [np.linalg.eigvalsh(np.eye(6) - ETA * m @ m.T) for m in M]
        assert found["descent_smallest"][0, t] == pytest.approx(np.abs(values).min(), rel=1e-10)
        assert found["descent_largest"][0, t] == pytest.approx(np.abs(values).max(), rel=1e-10)


def test_an_update_that_descends_nothing_is_not_measured(make) -> None:
    task = make.adding([0])
    assert descent.descent_spectrum(make.network("rnn", task, [0]), task) == {}
