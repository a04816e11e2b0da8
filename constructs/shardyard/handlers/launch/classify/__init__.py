"""Reads why an attempt ended and decides what the launch does next."""
