"""The table that makes a trial budget exact: one row for each trial that will count, beside Optuna's own tables.

Optuna counts trials; whichever way workers look at that count, some budget is lost or exceeded when a worker dies. Here
a worker must hold a row to run a trial, and the trial counts when its row is done.
"""

from typing import Final, Literal

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text

SlotState = Literal["FREE", "LEASED", "DONE", "SKIPPED"]
TrialOutcome = Literal["COMPLETE", "PRUNED", "FAIL"]

metadata: Final = MetaData()

trial_slots: Final = Table(
    "trial_slots",
    metadata,
    Column("study", String(255), primary_key=True, comment="name of the Optuna study"),
    Column("slot", Integer, primary_key=True, comment="from 0 to the budget"),
    Column("experiment", String(255), nullable=False, index=True, comment="namespace/name/uid"),
    Column("variant", String(64), nullable=False),
    Column("state", String(8), nullable=False, default="FREE", comment="FREE, LEASED, DONE, or SKIPPED by a stop rule"),
    Column("worker", String(255), comment="who holds it or filled it"),
    Column("token", Integer, nullable=False, default=0, comment="raised by every lease; an older holder cannot write"),
    Column("lease_until", Float, comment="seconds since 1970, by the database's clock"),
    Column("first_leased", Float, comment="the same, of the first lease"),
    Column("trial_number", Integer, comment="Optuna trial of the current lease, and of the result once DONE"),
    Column("losses", Integer, nullable=False, default=0, comment="workers that were lost while they held it"),
    Column("outcome", String(8), comment="of a DONE slot: COMPLETE, PRUNED or FAIL"),
    Column("value", Float, comment="of a COMPLETE slot"),
    Column("reason", Text, comment="of a failed slot"),
    Column("ended", Float, comment="when it became DONE"),
)

trial_searches: Final = Table(
    "trial_searches",
    metadata,
    Column("study", String(255), primary_key=True, comment="name of the Optuna study"),
    Column("experiment", String(255), nullable=False, index=True, comment="namespace/name/uid"),
    Column("variant", String(64), nullable=False),
    Column("stop_rule", String(32), comment="field of tuning.stop that ended the search before its budget"),
    Column("stop_reason", Text, comment="the same as a sentence"),
    Column("closed", Float, comment="when every slot was over; from then on none can be added"),
)
"""One row for each search: locked by whoever decides that it is over, or adds to it."""

trial_leases: Final = Table(
    "trial_leases",
    metadata,
    Column("study", String(255), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("token", Integer, primary_key=True, comment="of the lease"),
    Column("worker", String(255), nullable=False),
    Column("gpus", Integer, nullable=False, comment="that the worker held"),
    Column("since", Float, nullable=False, comment="seconds since 1970, by the database's clock"),
    Column("until", Float, nullable=False, comment="when the worker was heard of last"),
)
"""What every attempt at a slot took, lost ones included: the ledger behind tuning.stop.gpuTime."""
