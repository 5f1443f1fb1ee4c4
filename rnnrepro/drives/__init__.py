"""How an input sequence enters a network, for all times at once: one module a drive."""
