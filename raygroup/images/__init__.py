"""Encoded images of words and scenes: their headers and their pixels."""
