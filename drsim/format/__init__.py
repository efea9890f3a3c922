"""The format of scenario files: what may stand in one, and reading one with every problem at its place.

`load` reads a file, `models` and `orders` say what may stand in it. Nothing is imported here, so that a server which
never sees a scenario never pays for reading one.
"""
