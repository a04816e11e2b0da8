"""A serving container held against the contract of SageMaker's hosting, clause by clause."""
