"""The processes that hold the model: one that loads it and forks, and the forks that answer."""
