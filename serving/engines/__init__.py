"""How models are loaded and asked that come without code of their own."""
