"""Importance of hyperparameters in a study, by Optuna's PED-ANOVA over its finished trials."""

import json

import optuna
from optuna.distributions import json_to_distribution
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from ctrlab_api.records import StudyRecord

IMPORTANCE = "ped-anova"

MIN_FINISHED_TRIALS = 20
"""PED-ANOVA uses the best tenth of the trials; with fewer trials that tenth would be one or none."""


def hyperparameter_importance(study: StudyRecord) -> dict[str, float]:
    """Return shares that sum to 1, largest first; empty for fewer than 20 finished trials or a single parameter.

    The computation is deterministic.
    """
    finished = [
        trial for trial in study.trials if trial.counted and trial.state == "COMPLETE" and trial.value is not None
    ]
    searched = {name for trial in finished for name in trial.distributions}
    varied = {name for name in searched if len({str(trial.parameters.get(name)) for trial in finished}) > 1}
    if len(finished) < MIN_FINISHED_TRIALS or len(varied) < 2 or len({trial.value for trial in finished}) < 2:
        return {}
    replica = optuna.create_study(storage=optuna.storages.InMemoryStorage(), direction=study.direction)
    for trial in finished:
        distributions = {
            name: json_to_distribution(json.dumps(kind)) for name, kind in trial.distributions.items() if name in varied
        }
        parameters = {name: value for name, value in trial.parameters.items() if name in distributions}
        replica.add_trial(optuna.trial.create_trial(params=parameters, distributions=distributions, value=trial.value))
    return get_param_importances(replica, evaluator=PedAnovaImportanceEvaluator())
