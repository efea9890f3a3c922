"""The world of a scenario file: what is given, how the account is set up, how the payment provider behaves.

`load` reads a file, `models` and `orders` say what may stand in it, `build` makes domain values of it. Nothing is
imported here, so that a server which never sees a scenario never pays for reading one.
"""
