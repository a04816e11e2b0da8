"""Pure Python, standard library only: job definitions, settings, rules, requests and costs."""
