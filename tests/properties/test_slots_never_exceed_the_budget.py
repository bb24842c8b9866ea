"""The slots as a state machine: workers that lease, finish, release, vanish and come back, in any order."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from sqlalchemy import Connection, Float, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from ctrlab_study import slots
from ctrlab_study.database import Database
from ctrlab_study.slots import Lease, Outcome, metadata, trial_slots

BUDGET = 3
SECONDS = 10


class SlotsUnderCrashes(RuleBasedStateMachine):
    """Compared with a model of the current lease of each slot and of the done slots; time is a number."""

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.connection: Connection = Database(f"sqlite:///{Path(self.folder.name) / 'study.db'}").engine.connect()
        metadata.create_all(self.connection)
        slots.create_missing(self.connection, "s", "e", "M", BUDGET)
        self.clock = 0.0
        self.current: dict[int, tuple[Lease, float]] = {}
        self.done: dict[int, float] = {}

    def teardown(self) -> None:
        self.connection.close()
        self.folder.cleanup()

    @property
    def now(self) -> ColumnElement[float]:
        return literal(self.clock, Float)

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.clock += seconds

    @rule(target=leases, worker=st.sampled_from(["a", "b", "c"]))
    def lease(self, worker: str) -> Lease:
        leased = slots.lease_next(self.connection, "s", worker, self.now, SECONDS)
        open_slots = [
            slot
            for slot in range(BUDGET)
            if slot not in self.done and (slot not in self.current or self.current[slot][1] < self.clock)
        ]
        if leased is None:
            assert open_slots == []
            return Lease("s", -1, 0, worker)
        assert leased.lease.slot == open_slots[0]
        self.current[leased.lease.slot] = (leased.lease, self.clock + SECONDS)
        return leased.lease

    def is_current(self, lease: Lease) -> bool:
        return lease.slot not in self.done and self.current.get(lease.slot, (None, 0.0))[0] == lease

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        assert slots.renew(self.connection, lease, self.now, SECONDS) == self.is_current(lease)
        if self.is_current(lease):
            self.current[lease.slot] = (lease, self.clock + SECONDS)

    @rule(lease=leases, value=st.floats(0, 1))
    def finish(self, lease: Lease, value: float) -> None:
        is_current = self.is_current(lease)
        assert slots.finish(self.connection, lease, 1, Outcome("COMPLETE", value), self.now) == is_current
        if is_current:
            self.done[lease.slot] = value

    @rule(lease=consumes(leases))
    def release(self, lease: Lease) -> None:
        is_current = self.is_current(lease)
        assert slots.release(self.connection, lease) == is_current
        if is_current:
            del self.current[lease.slot]

    @rule(lease=leases)
    def take_over(self, lease: Lease) -> None:
        leased = slots.take_over(self.connection, lease, "reaper", self.now, SECONDS)
        assert (leased is not None) == self.is_current(lease)
        if leased is not None:
            self.current[lease.slot] = (leased.lease, self.clock + SECONDS)

    @invariant()
    def done_slots_keep_their_first_value(self) -> None:
        query = select(trial_slots.c.slot, trial_slots.c.value).where(trial_slots.c.state == "DONE")
        assert {row.slot: row.value for row in self.connection.execute(query)} == self.done
        assert self.connection.execute(select(func.count()).select_from(trial_slots)).scalar_one() == BUDGET


TestSlotsUnderCrashes = SlotsUnderCrashes.TestCase
TestSlotsUnderCrashes.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
