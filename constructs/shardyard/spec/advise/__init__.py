"""How a model can be spread over machines, and what memory that takes."""
