"""Who may do what with the console, and who did."""
