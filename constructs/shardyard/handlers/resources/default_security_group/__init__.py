"""Takes all rules out of a VPC's default security group."""
