"""The rules, as pure functions over frozen values: no clock, no randomness, no I/O, standard library only."""
