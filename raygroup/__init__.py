"""raygroup: which languages should share a recognition head? Grouped multilingual text recognition on Ray."""
