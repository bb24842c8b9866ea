"""Read resources from manifests and describe what is wrong with them."""
