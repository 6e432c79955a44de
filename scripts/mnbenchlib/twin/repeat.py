# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench kernel repeat`: which counts of two runs are not the same."""

from __future__ import annotations

import argparse

import pandas as pd

from ..errors import UserError
from ..tables import Block, Table, as_text
from .table import counts

_TOLD = 40
# Below, the clock's own step and what the tick adds to a median of two.
_SAME = 1e-3


def differences(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Operation by operation and subject by subject, where both runs have a count."""
    one, two = first.stack().rename("first"), second.stack().rename("second")
    both = pd.concat([one, two], axis="columns", join="inner")
    if both.empty:
        raise UserError("the two runs have no operation in common")
    both["off"] = (both["second"] / both["first"] - 1).fillna(0)
    return both


def block(both: pd.DataFrame) -> Block:
    """How many repeat, and those that do not."""
    exact = int((both["first"] == both["second"]).sum())
    close = int((both["off"].abs() <= _SAME).sum())
    other = both[both["off"].abs() > _SAME].sort_values("off", key=abs, ascending=False)
    out = Table(["architecture and operation", "subject", "first", "second", "off"], "<<>>>")
    for (arch, family, op, params, subject), row in other.head(_TOLD).iterrows():
        label = " ".join(filter(None, [arch, f"{family}/{op}", params.replace(":", "=")]))
        out.rows.append([label, subject, f"{row['first']:.1f}", f"{row['second']:.1f}",
                         f"{row['off']:+.2%}"])
    return Block("Two runs", [f"{exact} of {len(both)} counts are the same, {close} within 0.1 %, "
                              f"{len(other)} are not"], out)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mnbench kernel repeat`."""
    for name in ("first", "second"):
        parser.add_argument(name, metavar=name.upper(),
                            help="a folder that `mnbench kernel run` made")


def main(args: argparse.Namespace) -> int:
    """`mnbench kernel repeat`."""
    print(as_text([block(differences(counts(args.first), counts(args.second)))]), end="")
    return 0
