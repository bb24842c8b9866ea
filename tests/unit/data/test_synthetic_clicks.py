"""The generator: equal options give equal rows, and click rates match the true probabilities."""

import numpy as np
import torch
from builders import make_dataset, synthetic_source

from ctrlab_trainer.data.preparation.dataset_encoding import encode_dataset
from ctrlab_trainer.data.preparation.source_columns import required_columns
from ctrlab_trainer.data.prepared.bayes_optimum import bayes_auc
from ctrlab_trainer.data.readers.source_reading import read_source
from ctrlab_trainer.data.sources.source_locations import locate
from ctrlab_trainer.data.sources.synthetic_clicks import SyntheticOptions, generate_clicks
from ctrlab_trainer.training.batches import DeviceData

SMALL = SyntheticOptions(rows=30_000, users=300, items=60, seed=3)


def test_equal_options_give_equal_rows_and_another_seed_gives_other_rows() -> None:
    data, probability = generate_clicks(SMALL)
    repeated, repeated_probability = generate_clicks(SMALL)
    other, _ = generate_clicks(SyntheticOptions(rows=30_000, users=300, items=60, seed=4))
    assert data.equals(repeated)
    assert np.array_equal(probability, repeated_probability)
    assert not data["click"].equals(other["click"])


def test_the_number_of_rows_is_exact() -> None:
    data, probability = generate_clicks(SyntheticOptions(rows=1_001, users=10))
    assert (data.num_rows, len(probability)) == (1_001, 1_001)


def test_click_rates_match_the_true_probabilities() -> None:
    data, probability = generate_clicks(SMALL)
    clicks = data["click"].to_numpy()
    for decile in np.array_split(np.argsort(probability), 10):
        expected = probability[decile]
        error = np.sqrt((expected * (1 - expected)).sum()) / len(decile)
        assert abs(clicks[decile].mean() - expected.mean()) < 4 * error


def test_the_best_possible_auc_is_in_the_range_where_models_differ() -> None:
    data, probability = generate_clicks(SMALL)
    clicks = data["click"].to_numpy().astype(np.uint8)
    assert 0.74 < bayes_auc(clicks, probability) < 0.84
    assert bayes_auc(clicks, np.round(probability, 1)) < bayes_auc(clicks, probability)


def test_stored_histories_equal_those_of_logged_clicks() -> None:
    history = {"type": "History", "of": "category", "maxLength": 10}
    dataset = make_dataset(
        source=synthetic_source(rows=600, users=20, items=30),
        features=[
            {"name": "category", "type": "Categorical"},
            {"name": "logged", **history},
            {"name": "stored", **history, "stored": {"column": "recent_categories", "order": "LatestFirst"}},
        ],
        user="user_id",
        time="timestamp",
        split={"strategy": "Temporal"},
    )
    data = encode_dataset(read_source(locate(dataset.source), required_columns(dataset)), dataset)
    for split in data.splits:
        batch = DeviceData(split, data.schema, "cpu").batch(torch.arange(split.rows))
        _, logged, stored = torch.split(batch.ids, [1, *batch.history_widths], dim=1)
        assert torch.equal(logged, stored)
