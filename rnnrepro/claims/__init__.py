"""A paper's sentences as predicates over measured numbers: statistics of runs, tests between arms, verdicts."""
