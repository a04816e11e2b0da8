"""The job file: its tables, overrides and source folder."""
