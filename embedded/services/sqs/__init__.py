"""SQS: moto answers its operations, and here other services deliver to its queues."""
