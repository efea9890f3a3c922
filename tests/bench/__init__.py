"""The benchmark program: drsim beside reference servers of the same stack, as ratios measured in the same run.

Run it from the root of the project::

    python -m tests.bench                 # everything but the million, within two minutes
    python -m tests.bench --quick         # the shape of it, within half a minute
    python -m tests.bench --million       # also with a million stored orders: some minutes, some gigabytes in --tmp
    python -m tests.bench --references    # only the reference servers, to get to know the machine
    python -m tests.bench --json FILE     # all figures, also those that the table leaves out

Machines are noisy, so no figure counts by itself: what is compared is measured in turns, slice by slice, and what is
printed is the ratio. Everything listens on 127.0.0.1 only, and every process and file is gone at the end.
"""
