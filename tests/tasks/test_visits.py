import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnrepro import streams
from rnnrepro.tasks.visits import Visits


@settings(max_examples=50)
@given(st.integers(1, 30), st.integers(1, 45), st.booleans())
def test_each_epoch_visits_every_example_once_without_a_gap_between_epochs(count, batch, reshuffle):
    visits = Visits("name", count=count, batch=batch, reshuffle=reshuffle)
    rows = torch.cat([visits.at(step, [3, 4]) for step in range(-(-3 * count // batch))], 1)[:, : 3 * count]
    for run, seed in enumerate([3, 4]):
        for epoch in range(3):
            found = rows[run, epoch * count : (epoch + 1) * count].tolist()
            order = streams.generator("name", seed, "order", epoch).permutation(count).tolist()
            assert found == (order if reshuffle else list(range(count)))


def test_visits_do_not_depend_on_what_was_asked_before():
    first = Visits("name", count=10, batch=4, reshuffle=True)
    expected = [first.at(step, [0]).tolist() for step in range(20)]
    again = Visits("name", count=10, batch=4, reshuffle=True)
    assert [again.at(step, [0]).tolist() for step in reversed(range(20))] == expected[::-1]
