"""Searches in workers: the same plans, and an end to whatever a model does."""

import contextlib
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from misbehaving_models import BAD_STATE, Misbehaving, built_once, misbehaving_when_built
from served_models import FAULTS, Corridor, Crew, Faulty, Grid, Herd, Orders, Panel, Point, Streets

from mcts_service.errors import (
    BudgetTooLarge,
    Cancelled,
    DeadlineExpired,
    InvalidRequest,
    ModelFault,
    ReplicaLost,
    TerminalState,
)
from mcts_service.planning import MCTS, Budget, SearchConfig, StopReason
from mcts_service.service.label_codec import label_encoder
from mcts_service.service.states import json_state, opaque_state, refused


def essence(plan):
    """All of a plan that does not depend on the clock."""
    return [
        (one.action, one.visits, np.float64(one.value).tobytes(), one.proven)
        for one in plan.actions
    ] + [plan.simulations, plan.nodes, plan.depth, plan.recipe, plan.seed, plan.value]


def members_of(group):
    """The processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("factory", [Corridor, Grid, Point, Panel, Herd, Streets, Orders, Crew])
def test_a_plan_is_bit_for_bit_the_one_in_process(workers_of, factory):
    asked, model = workers_of(factory, warm_spares=0), factory()
    state = model.initial_state()
    ours = asked.plan(state, simulations=300)
    own = MCTS(model).plan(state, Budget(simulations=300), seed=3)
    assert ours.deterministic
    if not hasattr(model, "num_actions"):
        encode = label_encoder(model, asked.entry.action_spec.kind)
        assert [one.action for one in ours.actions] == [encode(a.action) for a in own.actions]
    else:
        assert essence(ours) == essence(own)
    assert [one.visits for one in ours.actions] == [one.visits for one in own.actions]
    batch = asked.plan_batch([state, state], simulations=300, seeds=[3, 4])
    assert essence(batch.plans[0]) == essence(ours)
    assert batch.seeds == [3, 4]


def test_a_watched_search_tells_of_the_same_plans_on_its_way(workers_of):
    asked = workers_of(Corridor, warm_spares=0)
    ours = asked.watch(simulations=300)
    own = MCTS(Corridor()).watch(4, Budget(simulations=300), seed=3)
    assert [essence(plan) for plan in ours] == [essence(plan) for plan in own]
    assert [plan.is_final for plan in ours] == [False] * (len(ours) - 1) + [True]
    assert len(ours) > 3
    assert essence(ours[-1]) == essence(asked.plan(simulations=300))


def test_a_watched_search_may_fail_on_its_way(workers_of):
    asked = workers_of(Misbehaving, "segfault")
    with pytest.raises(ModelFault):
        asked.watch(BAD_STATE)
    assert asked.watch()[-1].simulations == 100


def test_a_session_comes_back_to_the_worker_that_has_its_tree(workers_of):
    asked = workers_of(Corridor, replicas=3, warm_spares=0)
    asked.wait_for_idle(3)
    for _ in range(2):  # each plan with another worker at hand than the last
        reused = [asked.plan(session_id=name).reused_simulations for name in "abc"]
        asked.workforce._staff._idle.reverse()
    assert min(reused) >= 100
    assert asked.plan(session_id="a", caller="somebody else").reused_simulations == 0


def test_the_model_is_described_without_being_here(workers_of):
    entry = workers_of(Panel, warm_spares=0).entry
    assert entry.model is None
    assert (entry.state_spec.kind, entry.sent_example) == ("opaque", b"")
    assert entry.capabilities == ("initial_state", "state_from_json")
    assert workers_of(Corridor, warm_spares=0).entry.limits.default_simulations == 200


def test_what_a_model_reads_itself_is_read_in_the_worker(workers_of):
    asked = workers_of(Panel, warm_spares=0)
    by_codec = partial(opaque_state, asked.entry, b"\x00", "state.opaque")
    by_json = partial(json_state, asked.entry, "0", "state.json")
    assert essence(asked.plan(by_codec)) == essence(asked.plan(by_json))
    with pytest.raises(InvalidRequest, match=r"state.opaque: is b'\\t'; a switch is 0, 1 or 2"):
        asked.plan(partial(opaque_state, asked.entry, b"\x09", "state.opaque"))


def test_a_request_may_change_the_search(workers_of):
    asked, config = workers_of(Corridor, warm_spares=0), SearchConfig(exploration=0.1)
    own = MCTS(Corridor(), config).plan(4, Budget(simulations=100), seed=3)
    assert essence(asked.plan(config=config)) == essence(own)


def test_errors_keep_their_types_and_fields(workers_of):
    asked = workers_of(Faulty, "no tuple", warm_spares=0)
    with pytest.raises(TerminalState):
        asked.plan(9)
    with pytest.raises(InvalidRequest) as caught:
        asked.plan(77)
    assert caught.value.violations[0].field == "state"
    outcome = asked.plan_batch([9, partial(refused, InvalidRequest("list.states[1]", "is bad")), 4])
    kinds = [type(plan).__name__ for plan in outcome.plans]
    assert kinds == ["TerminalState", "InvalidRequest", "ModelFault"]
    assert outcome.plans[1].violations[0].field == "list.states[1]"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_cause_for_the_log_alone(workers_of, fault):
    asked = workers_of(Faulty, fault, warm_spares=0)
    with pytest.raises(ModelFault) as caught:
        asked.plan()
    if fault == "raises":
        assert Faulty.SECRET in str(caught.value.__cause__)
        assert "served_models.py" in str(caught.value.__cause__)
    with pytest.raises(ModelFault):
        asked.plan()
    assert asked.workforce.worker_state().lost == 0


# ---- ends of workers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("exit_at_once", "with exit status 7"),
        ("exit_like_a_lost_worker", "with exit status 255"),
        ("segfault", "by signal SIGSEGV"),
        ("abort", "by signal SIGABRT"),
        ("close_all_files", "without a word"),
    ],
)
def test_a_search_that_ends_its_worker_is_the_models_fault(workers_of, deed, words):
    asked = workers_of(Misbehaving, deed)
    with pytest.raises(ModelFault, match=f"a search of model has ended its worker {words}"):
        asked.plan(BAD_STATE)
    assert asked.plan().simulations == 100
    asked.wait_for_idle(2)
    state = asked.workforce.worker_state()
    assert (state.busy, state.alive, state.lost) == (0, 2, 1)
    assert state.bytes > 2 * 2**20


@pytest.mark.parametrize(
    "deed", ["sleep_for_ever", "loop_in_python", "loop_in_c", "stop_itself", "print_without_end"]
)
def test_a_search_that_does_not_end_is_too_late_and_its_worker_is_killed(workers_of, deed):
    asked = workers_of(Misbehaving, deed)
    asked.wait_for_idle(2)
    before = asked.workers
    with pytest.raises(DeadlineExpired):
        asked.plan(BAD_STATE, time_limit=0.2)
    assert asked.plan().simulations == 100
    asked.wait_for_idle(2)
    assert len(asked.workers & before) == 1


@pytest.mark.parametrize(("factory", "state"), [(Corridor, 4), (Herd, np.array([0.5, 0.0]))])
def test_a_worker_that_stands_still_while_it_waits_is_killed_too(workers_of, factory, state):
    asked = workers_of(factory, warm_spares=0, max_together=8)
    asked.wait_for_idle(1)
    (worker,) = asked.workers
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(DeadlineExpired):
        asked.plan(state, time_limit=0.2)
    assert asked.plan(state).simulations > 0
    assert asked.workers.isdisjoint({worker})


@pytest.mark.parametrize("deed", ["start_threads", "start_process", "print_one_long_line"])
def test_what_harms_nobody_is_let_be(workers_of, deed):
    asked = workers_of(Misbehaving, deed)
    assert asked.plan(BAD_STATE, simulations=1).simulations == 1
    assert asked.plan().simulations == 100
    assert asked.workforce.worker_state().lost == 0


@pytest.mark.parametrize("deed", ["allocate_in_python", "recurse", "exit_in_python", "nan"])
def test_what_python_can_end_costs_no_worker(workers_of, deed):
    asked = workers_of(Misbehaving, deed, max_memory_bytes=300 * 2**20)
    for _ in range(3):
        with pytest.raises(ModelFault):
            asked.plan(BAD_STATE, simulations=1)
    assert asked.plan().simulations == 100
    assert asked.workforce.worker_state().lost == 0


def test_memory_that_c_cannot_have_ends_the_worker_alone(workers_of):
    asked = workers_of(Misbehaving, "allocate_in_c", max_memory_bytes=300 * 2**20)
    with pytest.raises(ModelFault, match="by signal SIGABRT"):
        asked.plan(BAD_STATE)
    assert asked.plan().simulations == 100


def test_a_request_that_is_too_large_for_any_worker_ends_none(workers_of):
    asked = workers_of(Herd, max_memory_bytes=100 * 2**20, warm_spares=0)
    with pytest.raises(BudgetTooLarge, match="bytes, too many for a worker of model model"):
        asked.plan(np.full(2**22, 0.5))
    assert asked.plan(np.array([0.5, 0.0])).simulations > 0
    assert asked.workforce.worker_state().lost == 0


def test_a_search_tree_counts_as_memory_by_what_it_holds(workers_of):
    asked = workers_of(Corridor, max_memory_bytes=300 * 2**20, warm_spares=0)
    # Its budget allows a gigabyte, which it reserves and does not use.
    assert asked.entry.limits.max_bytes == 2**30
    assert asked.plan(simulations=1000).simulations == 1000


def test_a_cancelled_search_stops_and_keeps_its_worker(workers_of):
    asked = workers_of(Corridor, warm_spares=0, overrun_seconds=60.0)
    cancel = asked.workforce.new_cancel()
    threading.Timer(0.3, cancel.cancel).start()
    config = SearchConfig(early_stop=False)
    plan = asked.plan(simulations=10_000_000, cancel=cancel, config=config)
    assert plan.stop_reason is StopReason.CANCELLED
    assert asked.plan().simulations == 100
    assert asked.workforce.worker_state().lost == 0


def test_a_cancelled_search_that_goes_on_is_killed(workers_of):
    asked = workers_of(Misbehaving, "loop_in_c")
    cancel = asked.workforce.new_cancel()
    threading.Timer(0.1, cancel.cancel).start()
    with pytest.raises(Cancelled):
        asked.plan(BAD_STATE, cancel=cancel)


def test_a_worker_that_is_killed_in_a_search_is_worth_another_try(workers_of, tmp_path):
    asked = workers_of(Misbehaving, "sleep_for_ever", str(tmp_path))
    asked.wait_for_idle(2)

    def kill():
        while not list(tmp_path.iterdir()):
            time.sleep(0.001)
        os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(ReplicaLost, match="try again"):
        asked.plan(BAD_STATE)
    killer.join()
    assert asked.plan().simulations == 100


def test_workers_that_are_killed_while_they_wait_cost_nobody_anything(workers_of):
    asked = workers_of(Corridor)
    for _ in range(3):
        asked.wait_for_idle(2)
        for worker in asked.workers:
            os.kill(worker.pid, signal.SIGKILL)
        assert asked.plan().simulations == 100


def test_the_end_of_the_fork_server_is_survived(workers_of):
    asked = workers_of(Corridor)
    asked.wait_for_idle(2)
    (server,) = {worker._shared.forked_from for worker in asked.workers}
    os.kill(server, signal.SIGKILL)
    while not all(worker.has_ended() for worker in asked.workers):
        time.sleep(0.01)
    assert asked.plan().simulations == 100
    asked.wait_for_idle(2)


def test_signals_that_end_a_server_do_not_end_its_workers(workers_of):
    asked = workers_of(Corridor, warm_spares=0)
    (worker,) = asked.workers
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(worker.pid, number)
    assert asked.plan().simulations == 100
    assert asked.workers == {worker}


def test_seeds_that_nobody_gave_differ_from_worker_to_worker(workers_of):
    asked = workers_of(Corridor)
    seeds = []
    for _ in range(3):
        asked.wait_for_idle(2)
        seeds.append(asked.plan(seed=None).seed)
        seeds += asked.plan_batch([4, 4]).seeds
        for worker in asked.workers:
            os.kill(worker.pid, signal.SIGKILL)
    assert len(set(seeds)) == 9


# ---- numbers of workers -----------------------------------------------------------------


def test_there_are_as_many_workers_as_are_asked_for(workers_of, tmp_path):
    asked = workers_of(Corridor, replicas=2, warm_spares=1)
    asked.wait_for_idle(3)
    assert asked.workforce.capacity == 2
    assert len({worker.pid for worker in asked.workers}) == 3


def test_replicas_search_at_the_same_time(workers_of, tmp_path):
    asked = workers_of(Misbehaving, "sleep_for_ever", str(tmp_path), replicas=2, warm_spares=0)
    asked.wait_for_idle(2)

    def hang():
        with pytest.raises(DeadlineExpired):
            asked.plan(BAD_STATE, time_limit=0.5)

    threads = [threading.Thread(target=hang) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_end_of_a_workforce_leaves_no_process(workers_of):
    asked = workers_of(Misbehaving, "start_process", replicas=2)
    asked.plan(BAD_STATE, simulations=1)
    asked.wait_for_idle(3)
    groups = [worker.pid for worker in asked.workers]
    assert all(members_of(group) for group in groups)
    assert sum(len(members_of(group)) for group in groups) > 3
    asked.workforce.close()
    give_up = time.monotonic() + 60
    while any(members_of(group) for group in groups) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not any(members_of(group) for group in groups)
    with pytest.raises(ReplicaLost):
        asked.plan()


# ---- building ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        ("raise_error", "model: raised RuntimeError: the wires are crossed"),
        ("exit_in_python", "model: raised SystemExit: enough"),
        ("exit_at_once", "model: ended its worker with exit status 7 while it was built"),
        ("segfault", "model: ended its worker by signal SIGSEGV while it was built"),
        ("loop_in_c", r"model: was not built within 0\.5 seconds"),
        ("sleep_for_ever", r"model: was not built within 0\.5 seconds"),
    ],
)
def test_a_model_that_cannot_be_built_is_refused_and_says_why(workers_of, deed, message):
    with pytest.raises(InvalidRequest, match=f"^{message}"):
        workers_of(misbehaving_when_built, deed, build_seconds=0.5)


def test_what_cannot_be_told_to_another_process_is_refused(workers_of):
    with pytest.raises(InvalidRequest, match="cannot be told to another process"):
        workers_of(lambda: Corridor())


def test_a_model_that_cannot_be_built_again_is_unavailable_at_once(workers_of, tmp_path):
    asked = workers_of(built_once, str(tmp_path), "exit_at_once", warm_spares=0)
    with pytest.raises(ModelFault):
        asked.plan(BAD_STATE)
    while asked.workforce._staff._failures < 2:
        time.sleep(0.01)
    started = time.monotonic()
    with pytest.raises(ReplicaLost, match="model model has no worker now"):
        asked.plan()
    assert time.monotonic() - started < 30
    # Attempts become rare.
    failures = asked.workforce._staff._failures
    time.sleep(1.0)
    assert asked.workforce._staff._failures <= failures + 3
