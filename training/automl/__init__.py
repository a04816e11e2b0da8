"""AutoML for tables: from one CSV file and the name of a column to a model, a leaderboard and an explanation."""
