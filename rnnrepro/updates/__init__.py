"""How a state follows from the one before: one module a family of updates."""
