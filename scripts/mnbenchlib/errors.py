# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user did wrong, what his machine lacks, and what failed in spite of both."""


class UserError(Exception):
    """Printed as one line `mnbench: ...`; the exit code is 2."""


class Failed(Exception):
    """A program that should have worked did not; printed as one line, the exit code is 1."""


class OutOfStep(UserError):
    """The package mirror's index files do not belong together: one is older than another."""
