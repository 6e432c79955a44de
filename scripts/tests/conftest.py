# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest
from checkout import Checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A checkout of one's own, with stand-ins for the binaries and the emulators."""
    return Checkout(tmp_path / "checkout")
