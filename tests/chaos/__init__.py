"""Real processes of all services, and their broker, killed, frozen and restarted at random while posts are due.

The simulation finds what a seed can replay; this finds what only real processes, sockets and disks do.
"""
