"""The bench: the scan and its peers, timed in turn in one process, as ratios with their spread and their floor."""
