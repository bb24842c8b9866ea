"""The resources `CTRExperiment` and `Ablation` as pydantic models; the CRDs are generated from them."""
