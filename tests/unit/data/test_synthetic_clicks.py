"""The generator: equal options give equal rows, and the true probabilities are those of the clicks."""

import numpy as np

from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc
from ctrlab_trainer.data.sources.synthetic_clicks import SyntheticOptions, generate_clicks

SMALL = SyntheticOptions(rows=30_000, users=300, items=60, seed=3)


def test_equal_options_give_equal_rows_and_another_seed_gives_others() -> None:
    data, probability = generate_clicks(SMALL)
    again, probability_again = generate_clicks(SMALL)
    other, _ = generate_clicks(SyntheticOptions(rows=30_000, users=300, items=60, seed=4))
    assert data.equals(again)
    assert np.array_equal(probability, probability_again)
    assert not data["click"].equals(other["click"])


def test_rows_are_as_many_as_asked_for() -> None:
    data, probability = generate_clicks(SyntheticOptions(rows=1_001, users=10))
    assert (data.num_rows, len(probability)) == (1_001, 1_001)


def test_clicks_come_as_often_as_their_probabilities_say() -> None:
    data, probability = generate_clicks(SMALL)
    clicks = data["click"].to_numpy()
    for decile in np.array_split(np.argsort(probability), 10):
        expected = probability[decile]
        error = np.sqrt((expected * (1 - expected)).sum()) / len(decile)
        assert abs(clicks[decile].mean() - expected.mean()) < 4 * error


def test_the_best_reachable_auc_lies_where_models_can_differ() -> None:
    data, probability = generate_clicks(SMALL)
    clicks = data["click"].to_numpy().astype(np.uint8)
    assert 0.74 < bayes_auc(clicks, probability) < 0.84
    assert bayes_auc(clicks, np.round(probability, 1)) < bayes_auc(clicks, probability)
