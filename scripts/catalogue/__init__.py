"""What writes the dated data of the catalogue anew."""
