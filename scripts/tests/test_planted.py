# SPDX-License-Identifier: GPL-2.0-or-later
"""Planted bugs: every invariant has one, each still applies, and a sample is caught here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import synthetic  # noqa: F401  puts scripts/ on the path

from mnbenchlib import planted
from mnbenchlib.errors import UserError
from mnbenchlib.scratch import Scratch

TOP = Path(__file__).resolve().parents[2]

# One of each kind that is caught within moments; `mnbench planted` tries them all.
SAMPLE = ("srcu_no_second_scan", "end_thaws_too_early", "remove_does_not_wait",
          "unregister_no_grace_period", "release_no_grace_period", "cpu_counts_cleared",
          "queued_pending_takes_early", "put_frees_at_once", "end_does_not_wake")

_HEADING = """# SPDX-License-Identifier: GPL-2.0-or-later
# bug: none
# caught by: torture wait within 5 s
# says: something
"""


def test_every_patch_says_what_catches_it():
    bugs = planted.every()
    assert len(bugs) >= 40
    assert set(SAMPLE) <= {bug.name for bug in bugs}
    assert all(bug.seconds <= 120 for bug in bugs)


def test_every_patch_applies():
    for bug in planted.every():
        done = subprocess.run(["patch", "--dry-run", "--strip=1", "--fuzz=0", f"--input={bug.diff}"],
                              cwd=TOP, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{bug.name}: {done.stdout}"


@pytest.mark.parametrize("text, told", [
    ("--- a\n", "no line `# bug: ...`"),
    (_HEADING.replace("torture wait within 5 s", "luck"), "neither `torture TEST within N s`"),
    (_HEADING.replace("# says: something\n", ""), "no line `# says: ...`"),
])
def test_a_patch_without_its_heading(tmp_path, text, told):
    diff = tmp_path / "bad.patch"
    diff.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="bad.patch") as caught:
        planted.read(diff)
    assert told in str(caught.value)


def _planted(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(TOP / "scripts" / "mnbench"), "planted", *words],
                          capture_output=True, text=True, check=False)


def test_an_unknown_name_is_one_line():
    done = _planted("nope")
    assert done.returncode == 2
    assert done.stderr == "mnbench: nope: no such planted bug; --list names them\n"


def test_the_list_names_them():
    done = _planted("--list")
    assert done.returncode == 0
    assert "srcu_no_flip: " in done.stdout


def _patch(folder: Path, name: str, says: str, old: str, new: str) -> planted.Planted:
    diff = folder / f"{name}.patch"
    diff.write_text(_HEADING.replace("something", says) + "--- a/core/wait.c\n+++ b/core/wait.c\n"
                    f"@@ -1,1 +1,1 @@\n-{old}\n+{new}\n", encoding="utf-8")
    return planted.read(diff)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Scratch:
    """One copy of the core for all: each test leaves it as it was."""
    return Scratch(tmp_path_factory.mktemp("planted"))


def test_a_bug_that_is_none_is_not_caught(scratch, tmp_path):
    first = (TOP / "core" / "wait.c").read_text(encoding="utf-8").splitlines()[0]
    harmless = _patch(tmp_path, "harmless", "no-sleeper-for-ever", first, first + " ")
    assert planted.catch(scratch, harmless)[1] == "NOT CAUGHT"


def test_a_patch_that_no_longer_applies(scratch, tmp_path):
    stale = _patch(tmp_path, "stale", "anything", "a line of old", "a line of now")
    with pytest.raises(UserError, match="stale.patch: does not apply any more"):
        planted.catch(scratch, stale)


def test_another_reason_is_no_catch(scratch):
    bug = planted.read(planted.FOLDER / "srcu_no_second_scan.patch")
    other = planted.Planted(**{**bug.__dict__, "says": "another-invariant"})
    assert planted.catch(scratch, other)[1].startswith("OTHER REASON: FAILED srcu_plain")


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_is_caught(scratch, name):
    seconds, wrong = planted.catch(scratch, planted.read(planted.FOLDER / f"{name}.patch"))
    assert not wrong, f"{name}: {wrong} after {seconds:.1f} s"
