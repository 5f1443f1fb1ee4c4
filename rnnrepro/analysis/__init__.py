"""What is measured on matrices and on trained networks.

`delay_lines`, `transients`, `fisher`, `nonnormality`, `spectrum` and `schur` need numpy and scipy alone, so
that notebooks can use them; `matrices` and `trajectories` measure trained networks (torch) and hold the rows
of `rnnrepro.tables.ANALYSES`.
"""
