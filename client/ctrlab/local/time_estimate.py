"""Estimates the time left from the time that finished trials and final runs took."""

from dataclasses import dataclass

from ctrlab_control.planner import Facts


@dataclass
class TimeEstimate:
    """Counts trials and final runs as equal units of work, from the moment the prepared data set is known."""

    started_at: float | None = None
    """Monotonic seconds."""
    done_at_start: int = 0

    def seconds_left(self, facts: Facts, now: float) -> float | None:
        """Extrapolate the pace of this process; None until it has finished a unit. `now`: monotonic seconds."""
        plan = facts.plan
        done = sum(facts.study(name).done for name in plan.names) + len(facts.runs)
        total = sum(plan.trial_budget(name) for name in plan.names) + len(plan.final_runs(facts.seed_count))
        if self.started_at is None:
            if facts.prepared is not None:
                self.started_at, self.done_at_start = now, done
            return None
        finished = done - self.done_at_start
        return (now - self.started_at) / finished * max(0, total - done) if finished else None


def format_duration(seconds: float) -> str:
    """Return a duration such as 45 s, 3 min 20 s or 2 h 5 min."""
    rounded = round(seconds)
    if rounded < 60:
        return f"{rounded} s"
    minutes, rest = divmod(rounded, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
