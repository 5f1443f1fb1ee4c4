"""Learning rules: what stands in the place of a network's gradient.

A rule of a network is a row of `tables.RULES`, recurrent credit × feedback. `feedback` is what it takes to train by
one: a read-out whose errors go back through another matrix, beside `scan(…, credit="local")`. `reference` has the same
rules step by step, forward in time where they are local, and nothing trains by it. `hebbian` learns by reward alone,
beside a network that stays as it is. The steps of a training are `rnnrepro.training.descent` and `reward`.
"""
