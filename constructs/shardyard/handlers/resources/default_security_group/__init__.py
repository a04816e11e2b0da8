"""Removes all rules from a VPC's default security group."""
