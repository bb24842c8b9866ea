"""How long it will still take, from how long finished trials and runs took."""

from dataclasses import dataclass

from ctrlab_control.planner import Facts


@dataclass
class Estimate:
    """Counts trials and final runs as equal pieces of work, from the first moment it is asked."""

    began: float | None = None
    at_start: int = 0

    def seconds_left(self, facts: Facts, now: float) -> float | None:
        """At the pace so far in this process; None before the first piece is finished. `now` is monotonic."""
        plan = facts.plan
        done = sum(facts.search(name).done for name in plan.names) + len(facts.runs)
        total = sum(plan.trial_budget(name) for name in plan.names) + len(plan.final_runs(facts.seed_count))
        if self.began is None:
            if facts.prepared is not None:
                self.began, self.at_start = now, done
            return None
        finished = done - self.at_start
        return (now - self.began) / finished * max(0, total - done) if finished else None


def as_duration(seconds: float) -> str:
    """Such as 45 s, 3 min 20 s or 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
