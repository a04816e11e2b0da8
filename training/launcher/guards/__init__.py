"""What ends a run that only wastes its instances."""
