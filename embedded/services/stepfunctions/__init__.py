"""Step Functions: moto's interpreter runs the machines, with our clients, SageMaker tasks and the service's rules."""
