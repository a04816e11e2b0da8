"""What the inventory lists of this service."""

from embedded import inventory

inventory.listed("state machines", "stepfunctions", "list_state_machines", "stateMachines", "stateMachineArn")
