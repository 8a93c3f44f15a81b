"""How a command ends.

0 done, 1 refused, 2 wrong usage, 3 console not reached, 4 what was there already was left alone, 5 asked for, with no
outcome in time.
"""

REFUSED, WRONG_USAGE, UNREACHABLE, LEFT_ALONE, NOT_YET = 1, 2, 3, 4, 5
