"""A job's file: its tables, overrides and source folder."""
