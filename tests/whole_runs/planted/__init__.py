"""Servers with a known fault, for runs that must find it."""
