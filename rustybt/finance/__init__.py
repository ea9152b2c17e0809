"""What does trading cost, how do orders fill, and what does the account hold afterwards?"""
