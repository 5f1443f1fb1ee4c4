"""Data sets: pinned files fetched from a mirror or from upstream, and what comes with the dependencies.

`registry` names them, `fetch` gets and `verify` checks their files, `provenance` says which a run uses; these need
the standard library alone. `images` and `texts` read them into arrays.
"""
