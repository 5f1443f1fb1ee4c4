"""What a results folder holds of a plan: how far it is, what is at work, what went wrong, what nothing needs.

Reads alone and takes no lock; works on a folder at work, a dead one, and one that was never used, without torch.
"""
