"""Prepare the same rows with FuxiCTR: `prepare_with_fuxictr.py FOLDER TARGET`; prints the duration in seconds."""

import sys
import time

from fuxictr.preprocess import FeatureProcessor, build_dataset

from bench.preparers.generated_rows import CATEGORIES, MIN_FREQUENCY, NUMBERS

FOLDER, TARGET = sys.argv[1:3]

start = time.perf_counter()
processor = FeatureProcessor(
    feature_cols=[
        *(
            {"name": name, "active": True, "dtype": "float", "type": "numeric", "normalizer": "StandardScaler"}
            for name in NUMBERS
        ),
        *({"name": name, "active": True, "dtype": "str", "type": "categorical"} for name in CATEGORIES),
    ],
    label_col={"name": "label", "dtype": "float"},
    dataset_id="rows",
    data_root=TARGET,
)
build_dataset(
    processor,
    train_data=f"{FOLDER}/train.csv",
    valid_data=f"{FOLDER}/valid.csv",
    test_data=f"{FOLDER}/test.csv",
    min_categr_count=MIN_FREQUENCY,
)
print(time.perf_counter() - start)
