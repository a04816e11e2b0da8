"""The jobs of a cloud as its API shows them: found, listed, tagged."""
