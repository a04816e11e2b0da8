"""What runs left behind: receipts and comparisons, plots, files."""
