"""The pages of docs/ that are made from code; `python -m scripts.write_docs` writes them."""
