"""The world of a scenario file, made: what is given, how the account is set up, how the payment provider behaves.

`make` makes it in a sandbox, `build` turns what `drsim.format` has read into values of the domain.
"""
