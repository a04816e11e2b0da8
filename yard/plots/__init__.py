"""Runs as curves: what to draw, how it is drawn, and the page that it stands on."""
