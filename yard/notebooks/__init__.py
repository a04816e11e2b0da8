"""`yard notebook`: a notebook becomes a job's script, and a job's script a notebook."""
