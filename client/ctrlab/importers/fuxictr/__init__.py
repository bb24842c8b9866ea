"""FuxiCTR's configurations as experiments: what they say of data and models, and what has no counterpart here."""
