"""Policies before what others wrote: AWS's service authorization reference as data, and a second evaluator."""
