"""Paused trials take no more than a share of the memory that is there, also where no bound is given."""

import sys
import textwrap

import psutil
import pytest

import tunewell as tw
from tunewell.runners import memory, run_inline, worker
from tunewell.runners.memory import available
from tunewell.training.external_program import ExternalProgram

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))


def make(budget="14trials"):
    return tw.Study(SPACE, metric="loss", max_epochs=9, budget=budget, scheduler="asha")


class Machine:
    """One with room for ten trainings."""

    def __init__(self):
        self.alive = self.most = 0

    def train(self, run):
        self.alive += 1
        self.most = max(self.most, self.alive)
        try:
            for epoch in run.epochs(9):
                run.report(loss=run.params.rate + 1 / epoch)
        finally:
            self.alive -= 1


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(worker, "available", lambda: 10_000 - 1000 * machine.alive)
    monkeypatch.setattr(worker, "memory_held", lambda: 50 + 1000 * machine.alive)
    return machine


def test_those_that_wait_longest_are_given_up_when_they_take_half_of_what_was_free(machine):
    with pytest.warns(RuntimeWarning, match="half of the memory that was free; those that wait longest") as caught:
        assert run_inline(make(), machine.train)
    assert len(caught) == 1
    assert machine.most <= 8  # five paused ones beside the first, the one that trains and the one that is given up


def test_memory_that_others_take_is_no_reason(machine, monkeypatch):
    monkeypatch.setattr(worker, "memory_held", lambda: 50)
    assert run_inline(make(), machine.train)
    assert machine.most > 8


def test_a_program_that_is_given_up_holds_nothing(monkeypatch):
    code = """
        import sys, time
        held = bytearray(30 * 2**20)
        held[::4096] = b"x" * len(held[::4096])
        for epoch in range(9):
            print('{"loss": %s}' % (float(sys.argv[1]) + epoch), flush=True)
            time.sleep(0.3)
    """
    program = ExternalProgram((sys.executable, "-c", textwrap.dedent(code), "{rate}"), "loss")
    kept = []
    free = iter([160 * 2**20, *[10**12] * 2])  # at the beginning, and at the first pause
    monkeypatch.setattr(worker, "available", lambda: next(free, 0))

    def held():
        running = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
        kept.append(sum("import sys" in " ".join(one.cmdline()) for one in running))
        return memory.memory_held()

    monkeypatch.setattr(worker, "memory_held", held)
    with pytest.warns(RuntimeWarning, match="paused trials take more"):
        assert run_inline(make("9trials"), program)
    assert 2 <= max(kept) <= 5


@pytest.mark.parametrize(
    ("line", "folder", "names"),
    [
        ("0::/a/b", "", ("memory.max", "memory.current", "inactive_file")),
        ("9:memory:/a/b", "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
    ],
)
def test_what_a_control_group_allows_counts(tmp_path, monkeypatch, line, folder, names):
    most, now, cached = names
    root = tmp_path / folder
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / most).write_text("max\n")
    for name, text in {most: "5000\n", now: "3000\n", "memory.stat": f"anon 7\n{cached} 1000\n"}.items():
        (root / "a" / name).write_text(text)
    groups = tmp_path / "cgroup"
    groups.write_text(f"1:cpu:/\n{line}\n")
    monkeypatch.setattr(memory, "_GROUPS", groups)
    monkeypatch.setattr(memory, "_VERSIONS", ((root, *names),))
    assert available() == 3000
    groups.write_text("")
    assert available() > 3000
