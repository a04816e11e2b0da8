"""The process that speaks HTTP: it imports no framework, and answers /ping while everything else is busy."""
