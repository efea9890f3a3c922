"""Running scenarios: a client of the public HTTP API and the control plane, and of nothing else of drsim.

`steps` has one class per kind of step, `play` is one scenario being played, `runner` plays a suite of them, `results`
is what comes out, and reports are made of that alone.
"""
