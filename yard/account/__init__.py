"""The account: what is deployed, what it costs and may use, and how it is taken away."""
