"""How does an algorithm live through its sessions in the event tier?"""
