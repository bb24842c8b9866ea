"""The search of both tuners: DeepFM on a part of Frappe, a grid of eight points."""

GRID: dict[str, list[float]] = {
    "learning_rate": [0.0003, 0.001],
    "embedding_l2": [0.001, 0.05],
    "dropout": [0.2, 0.5],
}
FEATURES = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather", "country", "city")
ROWS = {"train": 40_000, "valid": 10_000, "test": 2_000}
EMBEDDING_DIM = 10
HIDDEN = [400, 400, 400]
BATCH = 1024
EPOCHS = 8
PATIENCE = 2
