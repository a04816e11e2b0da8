"""DynamoDB: moto answers its operations; here are its tables as resources of a stack."""
