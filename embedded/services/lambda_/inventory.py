"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("functions", "lambda", "list_functions", "Functions", "FunctionName")
