"""What every command shares: its flags, its folder, its course, and how it ends."""
