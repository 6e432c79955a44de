# SPDX-License-Identifier: GPL-2.0-or-later
"""`mnbench build --kernel`: trees of our own making, good and bad, and a Debian of ours."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_run import one_line

from mnbenchlib import kernelpkg, ownapt, packages, toolchain
from mnbenchlib.errors import UserError

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("cc", "ninja", "pkg-config"))),
                                reason="no compiler here")

# As much of a kernel as a subject takes, and something that it does not.
TREE = {
    "Makefile": "VERSION = 9\nPATCHLEVEL = 1\nSUBLEVEL = 4\nEXTRAVERSION = -rc2\n",
    "mm/mmu_notifier.c": "#include <linux/mmu_notifier.h>\n"
                         "int one(struct mmu_interval_notifier *sub) { return sub->one; }\n",
    "include/linux/mmu_notifier.h": "#include <linux/interval_tree.h>\n"
                                    "struct mmu_interval_notifier { int one; };\n",
    "include/linux/interval_tree.h": "#include <linux/rbtree.h>\n",
    "include/linux/rbtree.h": "struct rb_node;\n",
    "include/linux/rbtree_latch.h": "struct latch;\n",
    "include/linux/llist.h": "struct llist;\n",
    "lib/interval_tree.c": "#include <linux/interval_tree.h>\nint two;\n",
    "lib/rbtree.c": "#include <linux/rbtree.h>\nint three;\n",
}
TAKEN = {"mm/mmu_notifier.c", "include/linux/mmu_notifier.h", "include/linux/interval_tree.h",
         "include/linux/rbtree.h", "lib/interval_tree.c", "lib/rbtree.c", "source.json"}

_PROGRAMS = {
    # The build, which has nothing to build here but says what it was asked for.
    "cmake": """#!/bin/sh
echo "$*" >>cmake.log
case "$*" in
*"--target help"*) ls build/kernels.new | sed 's/.*/core-upstream-&: phony/' ;;
*kernels.trial*--target*)
    [ "$FAKE" != link ] || { echo "core/x.c:7:3: error: no member"; exit 1; } ;;
esac
""",
    "cc": f"""#!/bin/sh
[ "$FAKE" != slow ] || {{ : >compiling; sleep 60; }}
exec {shutil.which('cc')} "$@"
""",
    "dpkg-query": '#!/bin/sh\nshift 3\nfor name; do echo "$name installed"; done\n',
    # A mirror with linux-source-9.1 and 10.0, each a package in debs/.
    "apt-get": """#!/bin/sh
case "$*" in
*indextargets*) [ "$FAKE" = nowhere ] || echo "Debian|Debian|http://mirror.invalid/debian" ;;
*download*)
    [ "$FAKE" != cut ] || { echo "E: Could not resolve 'mirror.invalid'"; exit 100; }
    echo "$*" >>"$HOME/downloads"
    for word; do :; done
    cp "$HOME/debs/${word%%=*}.deb" . ;;
esac
""",
    "apt-cache": """#!/bin/sh
[ "$FAKE" != offline ] || exit 0
case "$*" in
pkgnames*) echo linux-source-9.1; echo linux-source-10.0; echo linux-source-10.0-extra ;;
*) shift 2; for name; do printf 'Package: %s\\nSize: 1\\nVersion: %s.7-1\\n\\n' "$name" \\
    "${name##*-}"; done ;;
esac
""",
}


def write_tree(top: Path, changes: dict[str, str | None] | None = None) -> Path:
    """A tree; a change to None leaves the file out."""
    for path, text in {**TREE, **(changes or {})}.items():
        if text is not None:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text, encoding="utf-8")
    return top


def debian(checkout, version: str, changes: dict[str, str | None] | None = None) -> None:
    """Put a linux-source package on the mirror."""
    name = f"linux-source-{version}"
    work = checkout.top / "work"
    write_tree(work / name, changes)
    source = work / "deb" / "usr" / "src"
    source.mkdir(parents=True)
    subprocess.run(["tar", "-cJf", source / f"{name}.tar.xz", "-C", work, name], check=True)
    control = work / "deb" / "DEBIAN" / "control"
    control.parent.mkdir()
    control.write_text(f"Package: {name}\nVersion: {version}.7-1\nArchitecture: all\n"
                       "Maintainer: Nobody <nobody@example.org>\nDescription: a test\n",
                       encoding="utf-8")
    (checkout.top / "debs").mkdir(exist_ok=True)
    subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "--build", work / "deb",
                    checkout.top / "debs" / f"{name}.deb"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(work)


@pytest.fixture
def site(checkout):
    """A checkout where building is possible, and quick."""
    for name, text in _PROGRAMS.items():
        (checkout.programs / name).write_text(text, encoding="utf-8")
        (checkout.programs / name).chmod(0o755)
    return checkout


def subject(checkout, name: str = "") -> Path:
    return checkout.top / "build" / "kernels" / name


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def builds(checkout) -> int:
    """How often the preset itself was built."""
    log = checkout.top / "cmake.log"
    return log.read_text(encoding="utf-8").splitlines().count("--build --preset native") \
        if log.exists() else 0


def build(checkout, *words: object, fake: str = ""):
    done = checkout.mnbench("build", *words, "native", fake=fake)
    assert not (checkout.top / "build" / "kernels.old").exists()
    return done


def built(checkout, *words: object, fake: str = ""):
    done = build(checkout, *words, fake=fake)
    assert done.returncode == 0, done.stderr
    return done


def refused(done, *parts: str) -> None:
    """Exit 2, and one line that is ours among those of the build."""
    assert done.returncode == 2, done
    lines = [line for line in done.stderr.splitlines() if line.startswith("mnbench: ")]
    assert len(lines) == 1 and done.stderr.endswith(f"{lines[0]}\n"), done.stderr
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in lines[0], lines[0]


def test_a_tree_is_taken_as_it_is(site, tmp_path):
    tree = write_tree(tmp_path / "linux")
    done = built(site, "--kernel", tree)
    taken = subject(site, "9.1.4-rc2")
    assert files(taken) == TAKEN
    for path in TAKEN - {"source.json"}:
        assert (taken / path).read_bytes() == (tree / path).read_bytes()
    source = json.loads((taken / "source.json").read_text(encoding="utf-8"))
    assert source["tree"] == str(tree) and source["version"] == "9.1.4-rc2"
    assert set(source["sha256"]) == TAKEN - {"source.json"}
    assert "(port, upstream-9.1.4-rc2)" in done.stderr and builds(site) == 1


def test_llist_comes_along_where_it_is_included(site, tmp_path):
    header = "#include <linux/llist.h>\n" + TREE["include/linux/mmu_notifier.h"]
    built(site, "--kernel", write_tree(tmp_path, {"include/linux/mmu_notifier.h": header}))
    assert files(subject(site, "9.1.4-rc2")) == TAKEN | {"include/linux/llist.h"}


@pytest.mark.parametrize("makefile, name", [
    ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\nEXTRAVERSION =\n", "6.12"),
    ("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\nNAME = A = B\n", "6.12.117"),
    ("VERSION = 6\nPATCHLEVEL = 13\nSUBLEVEL =\nEXTRAVERSION = -rc1\n", "6.13-rc1"),
    ("VERSION = 6\n", "linux"), ("all:\n", "linux"), (None, "linux"),
])
def test_the_name_is_the_trees_version(site, tmp_path, makefile, name):
    built(site, "--kernel", write_tree(tmp_path / "linux", {"Makefile": makefile}))
    assert [path.name for path in subject(site).iterdir()] == [name]


def test_a_name_of_ones_own(site, tmp_path):
    built(site, "--kernel", f"mine={write_tree(tmp_path / 'a=b')}")
    built(site, "--kernel", tmp_path / "a=b" / "mm" / "mmu_notifier.c")
    assert {path.name for path in subject(site).iterdir()} == {"mine", "9.1.4-rc2"}


@pytest.mark.parametrize("name", ["../up", "a b", ".hidden", "none", "x/y", "-x", "a" * 65])
def test_names_that_cannot_be(site, tmp_path, name):
    one_line(build(site, f"--kernel={name}={write_tree(tmp_path)}"), "cannot be a subject's name")
    assert not subject(site).exists() and builds(site) == 0


def test_names_that_one_symbol_would_serve(site, tmp_path):
    tree = write_tree(tmp_path)
    one_line(build(site, "--kernel", f"a.b={tree}", "--kernel", f"a-b={tree}"), "a.b", "a-b")
    built(site, "--kernel", f"a.b={tree}")
    one_line(build(site, "--kernel", f"a-b={tree}"), "upstream-a.b", "upstream-a-b")
    one_line(build(site, "--kernel", tree, "--kernel", tree), "cannot be told")


@pytest.mark.parametrize("word", ["", "/nonexistent/linux", "x=", "x=/nonexistent", "6.x"])
def test_no_such_kernel(site, word):
    one_line(build(site, f"--kernel={word}"), "neither a kernel tree")
    assert builds(site) == 0


@pytest.mark.parametrize("path, told", [
    ("mm/mmu_notifier.c", "mm/mmu_notifier.c was looked for"),
    ("include/linux/mmu_notifier.h", "include/linux/mmu_notifier.h was looked for"),
    ("lib/rbtree.c", "lib/rbtree.c was looked for"),
    ("include/linux/rbtree.h", "linux/rbtree.h: No such file"),
])
def test_a_tree_without_a_file(site, tmp_path, path, told):
    tree = write_tree(tmp_path, {path: None})
    refused(build(site, "--kernel", tree), str(tree), told)
    assert builds(site) == 1 and not subject(site).exists()


def test_a_tree_without_interval_notifiers(site, tmp_path):
    old = {"include/linux/mmu_notifier.h": "struct mmu_interval_notifier;\n", "lib/rbtree.c": None}
    refused(build(site, "--kernel", write_tree(tmp_path, old)), str(tmp_path),
            "struct mmu_interval_notifier was looked for", "before 5.5")


@pytest.mark.parametrize("text, first", [
    ("int one(void) { return 1; }\nint two(void) { return later(); }\nfault;;\n",
     "mm/mmu_notifier.c:2: implicit declaration of function 'later' (see"),
    ("#include <linux/tomorrow.h>\n", "mm/mmu_notifier.c:1: linux/tomorrow.h: No such file"),
])
def test_a_tree_that_does_not_compile(site, tmp_path, text, first):
    tree = write_tree(tmp_path / "new", {"mm/mmu_notifier.c": text})
    other = write_tree(tmp_path / "other")
    refused(build(site, "--kernel", f"new={tree}", "--kernel", f"other={other}"), str(tree), first)
    # The other one is in, and was built.
    assert [path.name for path in subject(site).iterdir()] == ["other"]
    assert builds(site) == 1


def test_a_tree_that_nothing_can_be_made_of(site, tmp_path):
    refused(build(site, "--kernel", write_tree(tmp_path), fake="link"), str(tmp_path),
            "core/x.c:7: no member", "build/kernels.log")
    assert not subject(site).exists() and builds(site) == 1


def test_a_bad_copy_leaves_the_good_one(site, tmp_path):
    built(site, "--kernel", write_tree(tmp_path))
    good = (subject(site, "9.1.4-rc2") / "mm" / "mmu_notifier.c").read_text(encoding="utf-8")
    write_tree(tmp_path, {"mm/mmu_notifier.c": "nonsense\n"})
    refused(build(site, "--kernel", tmp_path), "mm/mmu_notifier.c:1: ")
    assert (subject(site, "9.1.4-rc2") / "mm" / "mmu_notifier.c").read_text(
        encoding="utf-8") == good


def test_a_newer_copy_replaces_the_older(site, tmp_path):
    built(site, "--kernel", write_tree(tmp_path))
    place = subject(site, "9.1.4-rc2") / "mm" / "mmu_notifier.c"
    before = place.stat()
    done = built(site, "--kernel", tmp_path)
    assert "as before" in done.stderr and place.stat() == before  # nothing to be built again
    write_tree(tmp_path, {"mm/mmu_notifier.c": "int other;\n"})
    built(site, "--kernel", tmp_path)
    assert place.read_text(encoding="utf-8") == "int other;\n"


def test_an_unreadable_file(site, tmp_path):
    tree = write_tree(tmp_path)
    (tree / "lib" / "rbtree.c").unlink()
    (tree / "lib" / "rbtree.c").symlink_to("/proc/self/mem")  # reading it fails for root as well
    refused(build(site, "--kernel", tree), "rbtree.c")
    assert builds(site) == 1


def test_killed_while_compiling(site, tmp_path):
    built(site, "--kernel", write_tree(tmp_path))
    before = files(subject(site, "9.1.4-rc2"))
    write_tree(tmp_path, {"mm/mmu_notifier.c": "int other;\n"})
    with subprocess.Popen(site.command("build", "--kernel", tmp_path, "native"), cwd=site.top,
                          env=site.environment(fake="slow"), stderr=subprocess.DEVNULL,
                          start_new_session=True) as running:
        mark = site.top / "build" / "kernels.new" / "objects" / "compiling"
        for _ in range(500):
            if mark.exists():
                break
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
    assert mark.exists() and files(subject(site, "9.1.4-rc2")) == before
    done = built(site)
    assert "(port, upstream-9.1.4-rc2)" in done.stderr and not mark.parent.exists()
    assert "other" not in (subject(site, "9.1.4-rc2") / "mm" / "mmu_notifier.c").read_text(
        encoding="utf-8")


def test_killed_between_two_renames(site, tmp_path):
    built(site, "--kernel", write_tree(tmp_path))
    old = site.top / "build" / "kernels.old"
    old.mkdir()
    subject(site, "9.1.4-rc2").rename(old / "9.1.4-rc2")
    built(site)
    assert files(subject(site, "9.1.4-rc2")) == TAKEN


def test_forgetting(site, tmp_path):
    tree = write_tree(tmp_path)
    built(site, "--kernel", f"a={tree}", "--kernel", f"b={tree}", "--kernel", f"c={tree}")
    built(site, "--forget-kernel", "b", "--forget-kernel", "b")
    assert kernel_names(site) == ["a", "c"]
    one_line(build(site, "--forget-kernel", "b"), "b: no such kernel", "a, c")
    done = built(site, "--kernel", "none")
    assert kernel_names(site) == [] and "(port)" in done.stderr
    built(site, "--kernel", "none")
    built(site, "--kernel", f"a={tree}")
    built(site, "--kernel", "none", "--kernel", f"d={tree}")
    assert kernel_names(site) == ["d"]


def kernel_names(checkout) -> list[str]:
    return sorted(path.name for path in subject(checkout).iterdir())


def test_a_single_file(site, tmp_path):
    tree = write_tree(tmp_path / "tree")
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in ("mm/mmu_notifier.c", "include/linux/mmu_notifier.h"):
        shutil.copy(tree / path, alone)
    (alone / "rbtree.h").write_text("struct rb_own;\n", encoding="utf-8")
    debian(site, "10.0", {"lib/rbtree.c": "int borrowed;\n"})
    # The rest is the newest Debian's, but for what lies beside it.
    done = built(site, "--kernel", alone / "mmu_notifier.c")
    taken = subject(site, "alone")
    assert files(taken) == TAKEN
    assert "rb_own" in (taken / "include/linux/rbtree.h").read_text(encoding="utf-8")
    assert "borrowed" in (taken / "lib/rbtree.c").read_text(encoding="utf-8")
    assert "the rest from linux-source-10.0 10.0.7-1" in done.stderr
    # What was fetched serves again, whatever the network does.
    built(site, "--kernel", f"again={alone / 'mmu_notifier.c'}", fake="offline")
    (alone / "mmu_notifier.h").unlink()
    refused(build(site, "--kernel", alone / "mmu_notifier.c"), "include/linux/mmu_notifier.h")
    other = tmp_path / "tree" / "lib" / "rbtree.c"
    refused(build(site, "--kernel", f"x={other}"), str(other), "neither")


def test_debians_kernel(site):
    debian(site, "9.1")
    built(site, "--kernel", "9.1")
    assert files(subject(site, "9.1")) == TAKEN
    source = json.loads((subject(site, "9.1") / "source.json").read_text(encoding="utf-8"))
    assert source["tree"] == "linux-source-9.1 9.1.7-1" and source["version"] == "9.1.4-rc2"
    built(site, "--kernel", "9.1", "--kernel", "stable=9.1")
    assert kernel_names(site) == ["9.1", "stable"]
    downloads = (site.top / "downloads").read_text(encoding="utf-8").splitlines()
    assert len(downloads) == 1 and downloads[0].endswith("linux-source-9.1=9.1.7-1")
    assert sorted(path.name for path in (site.top / "cache" / "kernels").iterdir()) == [
        "apt", "linux-source-9.1_9.1.7-1"]


def test_debian_has_no_such_kernel(site):
    one_line(build(site, "--kernel", "9.4"), "linux-source-9.4", "which have 9.1, 10.0;")
    assert builds(site) == 0


@pytest.mark.parametrize("fake, told", [
    ("offline", "http://mirror.invalid/debian: no index"), ("nowhere", "apt-get update"),
])
def test_no_index_to_look_it_up_in(site, fake, told):
    one_line(build(site, "--kernel", "9.1", fake=fake), told)
    debian(site, "9.1")
    built(site, "--kernel", "9.1")
    done = built(site, "--kernel", "again=9.1", fake=fake)  # the cache has it
    assert told in done.stderr and "taken as it was fetched before" in done.stderr


def test_a_download_cut_off(site):
    done = build(site, "--kernel", "9.1", fake="cut")
    refused(done, "download linux-source-9.1", "cannot be reached")
    assert [path.name for path in (site.top / "cache" / "kernels").iterdir()] == ["apt"]


def test_debians_kernel_without_apt(site):
    (site.programs / "apt-get").unlink()
    path = site.top / "tools"
    path.mkdir()
    for name in ("sh", "env", "cmake", "ninja", "pkg-config", "cc", "python3"):
        (path / name).symlink_to(shutil.which(name))
    done = site.mnbench("build", "--kernel", "9.1", "native", path=str(path))
    one_line(done, "9.1", "no apt here")


def test_no_space_for_a_kernel(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "missing", lambda _names: [])
    monkeypatch.setattr(kernelpkg, "_look_up", lambda: {"linux-source-9.1": "9.1.7-1"})
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10**8))
    with pytest.raises(UserError, match="no space left.*MNBENCH_CACHE"):
        kernelpkg.fetch("9.1")


def test_the_real_index(monkeypatch, tmp_path):
    monkeypatch.setenv("MNBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(kernelpkg, "_SUITES", ("trixie-backports",))
    (tmp_path / "kernels").mkdir()
    if not packages.have_apt() or not Path(ownapt._KEYRING).exists():
        pytest.skip("not a Debian")
    try:
        known = kernelpkg._look_up()
    except UserError as err:
        pytest.skip(f"no network: {err}")
    assert all(version.startswith(name.removeprefix("linux-source-"))
               for name, version in known.items())
    # An index that is not signed by Debian is none.
    shutil.rmtree(toolchain.cache() / "kernels")
    (tmp_path / "nobody.gpg").write_bytes(b"")
    monkeypatch.setattr(ownapt, "_KEYRING", str(tmp_path / "nobody.gpg"))
    with pytest.raises(UserError, match="no index"):
        kernelpkg._look_up()


def test_help_tells_of_kernels(checkout):
    done = checkout.mnbench("build", "--help")
    assert done.returncode == 0 and "--kernel" in done.stdout and "6.12" in done.stdout
