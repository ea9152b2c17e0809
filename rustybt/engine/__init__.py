"""How does an algorithm live through its sessions? (the event tier)"""
