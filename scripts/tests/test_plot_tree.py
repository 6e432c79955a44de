# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine: read from hwloc's XML, drawn as boxes, with threads in them."""

from itertools import combinations

import pytest
from pictures import figure_of, plots_of, topology, words
from synthetic import reps, write

from mnbenchlib import arches, results
from mnbenchlib.errors import UserError
from mnbenchlib.plots import boxes, placement, source, tree

SMALL = [("Package", 2), ("L3Cache", 2), ("Core", 2), ("PU", 2)]
REFERENCE = arches.TOP / "results" / "vm-xeon-2cpu" / "topology.xml"


@pytest.fixture
def machine(tmp_path):
    return tree.read(topology(tmp_path / "topology.xml", SMALL))


def test_the_tree_of_a_machine(machine):
    assert list(machine.pus())[:4] == [0, 8, 1, 9] and len(list(machine.pus())) == 16
    path = [box.name for box in dict(machine.paths())[9]]
    assert path == ["machine", "package 0", "node 0", "L3 0", "core 1"]


def test_what_two_pus_share(machine):
    paths = dict(machine.paths())
    assert [tree.shared(paths[0], paths[pu]) for pu in (8, 1, 2, 4)] == [
        "core", "L3", "node", "machine"]


def test_the_reference_machine_is_read():
    assert list(tree.read(REFERENCE).pus()) == [0, 1]


def test_what_has_no_pu_is_no_box(tmp_path):
    file = tmp_path / "x.xml"
    file.write_text("""<topology><object type="Machine" os_index="0">
        <object type="NUMANode" os_index="0"/><object type="NUMANode" os_index="1"/>
        <object type="Bridge"><object type="PCIDev"/></object>
        <object type="Group"><object type="L2Cache"><object type="L1Cache">
          <object type="Core" os_index="7"><object type="PU" os_index="3"/></object>
        </object></object></object></object></topology>""")
    machine = tree.read(file)
    assert [box.name for box in dict(machine.paths())[3]] == ["machine", "node 0,1", "core 7"]


@pytest.mark.parametrize("text", [
    "", "<topology", "no XML", "<topology/>", '<topology><object type="Machine"/></topology>',
    '<topology><object/></topology>',
    '<topology><object type="Machine"><object type="PU"/></object></topology>',
    '<topology><object type="Machine"><object type="PU" os_index="x"/></object></topology>',
    '<topology><object type="Machine"><object type="PU" os_index="1"/>'
    '<object type="PU" os_index="1"/></object></topology>',
    "<topology>" + 3000 * '<object type="Core">' + 3000 * "</object>" + "</topology>",
])
def test_bad_topologies(tmp_path, text):
    file = tmp_path / "topology.xml"
    file.write_text(text)
    with pytest.raises(UserError, match="not hwloc's XML") as error:
        tree.read(file)
    assert "\n" not in str(error.value) and str(file) in str(error.value)


@pytest.mark.parametrize("shape", [
    SMALL, [("Package", 1), ("Core", 1), ("PU", 1)], [("Package", 8), ("Core", 7), ("PU", 1)],
    [("Package", 2), ("L3Cache", 8), ("Core", 8), ("PU", 2)],
])
def test_boxes_lie_in_their_boxes_and_nowhere_else(tmp_path, shape):
    machine = tree.read(topology(tmp_path / "x.xml", shape))
    placed = {id(one.box): one for one in boxes.layout(machine)}

    def inside(one, other):
        return (one.x >= other.x - 1e-9 and one.x + one.width <= other.x + other.width + 1e-9
                and one.y >= other.y - 1e-9
                and one.y + one.height <= other.y + other.height - other.header + 1e-9)

    def apart(one, other):
        return (one.x + one.width + 0.1 < other.x or other.x + other.width + 0.1 < one.x
                or one.y + one.height + 0.1 < other.y or other.y + other.height + 0.1 < one.y)

    for one in placed.values():
        children = [placed[id(child)] for child in one.box.children]
        assert all(inside(child, one) for child in children)
        assert all(apart(a, b) for a, b in combinations(children, 2))
    whole = placed[id(machine)]
    assert len(placed) > 1 and 0.3 < whole.width / whole.height < 5


def test_threads_are_numbered_in_their_pus(machine):
    plan = {0: [0], 8: [1], 4: [2, 10]}
    figure = figure_of(placement.plot_of("x", machine, plan, "pin smt, 4 threads", "box"))
    ax, = figure.axes
    at = {text.get_position(): text.get_text() for text in ax.texts}
    for one in boxes.layout(machine):
        if one.box.kind == "PU":
            pu = int(one.box.index)
            said = at[(one.x + one.width / 2, one.y + one.height / 2)]
            assert said == ",".join(map(str, plan.get(pu, [pu])))
    assert {"machine", "package 1", "node 1", "L3 3"} <= set(words(figure))
    assert len(ax.patches) == len(boxes.layout(machine))


def asked(tmp_path, monkeypatch, body, rows):
    """The pictures of a run with this stand-in for the binary."""
    program = tmp_path / "mnbench"
    program.write_text("#!/bin/sh\n" + body)
    program.chmod(0o755)
    monkeypatch.setattr(placement.topology, "find_binary", lambda named: program)
    topology(tmp_path / "topology.xml", SMALL)
    return plots_of(write(tmp_path / "mnbench.csv", rows), "placement")


TEAMS = [*reps([1, 2], threads=4, pin="smt"), *reps([1, 2], threads=2, pin="smt"),
         *reps([1, 2], threads=16, pin="compact"), *reps([1, 2], threads=9, pin="none"),
         *reps([1, 2], threads=32, pin="compact", flags="oversubscribed")]


def test_each_policy_with_its_most_threads(tmp_path, monkeypatch):
    plots = asked(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/said\n'
                  "printf '0\\t4\\t2\\t0\\t0\\t0\\n1\\t12\\t2\\t0\\t0\\t0\\n'\n", TEAMS)
    assert list(plots) == ["placement-smt-4-x86_64", "placement-compact-16-x86_64"]
    assert (tmp_path / "said").read_text().splitlines() == [
        f"--plan --pin={pin} --threads={n} --from={tmp_path}/topology.xml"
        for pin, n in (("smt", 4), ("compact", 16))]
    assert "pin smt, 4 threads" in plots["placement-smt-4-x86_64"].title


@pytest.mark.parametrize("body, said", [
    ("echo 'mnbench: smt: no SMT here' >&2; exit 2", "smt: no SMT here"),
    ("echo nonsense", "the binary's plan is not one: 'nonsense'"),
])
def test_a_plan_that_there_is_not_is_told(tmp_path, monkeypatch, body, said):
    plot, = asked(tmp_path, monkeypatch, body, TEAMS[:2]).values()
    assert plot.draw is None and said in plot.skipped


def test_a_boards_files_are_named_after_its_csv(tmp_path, monkeypatch):
    asked(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/said; printf "0\\t4\\n"', TEAMS[:2])
    (tmp_path / "topology.xml").rename(tmp_path / "board.xml")
    (tmp_path / "board.json").write_text('{"build": {"git_revision": "abc"}}')
    board = write(tmp_path / "board.csv", TEAMS[:2])
    plot, = plots_of(board, "placement").values()
    assert plot.draw and f"--from={tmp_path}/board.xml" in (tmp_path / "said").read_text()
    run, = source.runs_of(results.read_results(board))
    assert run.revision == "abc"


def test_no_topology_no_placement(tmp_path):
    plot, = plots_of(write(tmp_path / "mnbench.csv", TEAMS), "placement").values()
    assert "no topology.xml beside the CSV" in plot.skipped
