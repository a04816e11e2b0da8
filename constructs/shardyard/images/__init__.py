"""A training job's image and code: what finds an image, and what packs the source."""
