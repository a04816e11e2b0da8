"""The `[tuning]` table of a job's file: a search for the job's best hyperparameters."""
