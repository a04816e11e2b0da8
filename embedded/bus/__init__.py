"""Events and deliveries from one service to another."""
