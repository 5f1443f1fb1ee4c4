"""Recurrent matrices: one class each, named by the rows of `rnnrepro.tables.MATRICES`."""
