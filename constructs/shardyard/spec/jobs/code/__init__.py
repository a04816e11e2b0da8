"""The code of a job: which files travel, what they are as a bundle, and what is wrong with them."""
