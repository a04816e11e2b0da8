"""How an endpoint comes from one configuration to another: policies, steps, bakes, rollbacks."""
