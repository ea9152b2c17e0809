"""What runs trials? One process, or many that live long."""
