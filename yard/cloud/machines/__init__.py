"""Step Functions: moto's interpreter runs the machines, with our clients, SageMaker tasks and the service's rules."""

from yard.cloud.machines import api, interpreter

__all__ = ["api", "interpreter"]
